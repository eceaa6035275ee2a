//! Accepts connections and carries each request to its region over a connection kept for this client and region.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONNECTION, EXPECT},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use replica::wire::BODY_MAX_BYTES;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::JoinSet,
};

use super::{
    answer::{self, Body},
    scope,
};

/// Clients at the same time; more wait to be accepted.
const CLIENTS_MAX: usize = 4096;
/// Before the next attempt when accepting failed.
const PAUSE: Duration = Duration::from_millis(50);

/// A region and where it listens.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// As in a credential scope.
    pub(crate) region: String,
    /// Its own port.
    pub(crate) address: SocketAddr,
}

/// The port that serves all regions.
pub(crate) struct Gateway {
    listener: TcpListener,
    regions: Arc<Regions>,
}

struct Regions {
    names: Vec<String>,
    addresses: BTreeMap<String, SocketAddr>,
}

impl Gateway {
    /// Takes the port.
    ///
    /// # Errors
    /// When it cannot be listened on.
    pub(crate) async fn bind(address: SocketAddr, routes: &[Route]) -> io::Result<Gateway> {
        let listener = TcpListener::bind(address).await?;
        let regions = Regions {
            names: routes.iter().map(|route| route.region.clone()).collect(),
            addresses: routes
                .iter()
                .map(|route| (route.region.clone(), route.address))
                .collect(),
        };
        Ok(Gateway {
            listener,
            regions: Arc::new(regions),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    #[cfg(test)]
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until dropped; every connection ends with it.
    pub(crate) async fn serve(self) {
        let mut clients = JoinSet::new();
        loop {
            while clients.len() >= CLIENTS_MAX {
                clients.join_next().await;
            }
            while clients.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((client, _)) => {
                    clients.spawn(serve_client(client, Arc::clone(&self.regions)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the gateway cannot accept; out of file descriptors?");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn serve_client(client: TcpStream, regions: Arc<Regions>) {
    client.set_nodelay(true).ok();
    let links = Mutex::new(Links {
        open: BTreeMap::new(),
        tasks: JoinSet::new(),
    });
    let service = service_fn(|request| {
        let (regions, links) = (&regions, &links);
        async move { Ok::<_, hyper::Error>(carry(request, regions, links).await) }
    });
    if let Err(error) = http1::Builder::new()
        .serve_connection(TokioIo::new(client), service)
        .await
    {
        tracing::debug!(%error, "a client of the gateway went away");
    }
}

/// This client's connections to regions.
struct Links {
    open: BTreeMap<SocketAddr, SendRequest<Incoming>>,
    tasks: JoinSet<()>,
}

/// Sends a request to its region; the answer's body is streamed.
async fn carry(
    mut request: Request<Incoming>,
    regions: &Regions,
    links: &Mutex<Links>,
) -> Response<Body> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let region = match scope::region_of(header) {
        Ok(region) => region.to_owned(),
        Err(error) => return refuse(request, answer::no_region(error, &regions.names)).await,
    };
    let Some(&address) = regions.addresses.get(&region) else {
        return refuse(request, answer::unknown_region(&region, &regions.names)).await;
    };
    // These two are between a client and us, not between it and the region.
    request.headers_mut().remove(CONNECTION);
    request.headers_mut().remove(EXPECT);
    let mut links = links.lock().await;
    let link = match links.to(address).await {
        Ok(link) => link,
        Err(reason) => {
            return refuse(request, answer::unreachable_region(&region, &reason)).await;
        }
    };
    match link.send_request(request).await {
        Ok(mut response) => {
            response.headers_mut().remove(CONNECTION);
            response.map(BodyExt::boxed)
        }
        Err(error) => {
            links.open.remove(&address);
            answer::unreachable_region(&region, &error.to_string())
        }
    }
}

/// Reads what the client has still to send, then answers: the server ends a connection that it answers before it has all of a request, and a
/// client that is still sending would lose the answer with it. It reads no more of one than a region would take.
async fn refuse(request: Request<Incoming>, refusal: Response<Body>) -> Response<Body> {
    let mut rest = Limited::new(request.into_body(), BODY_MAX_BYTES);
    while let Some(Ok(_)) = rest.frame().await {}
    refusal
}

impl Links {
    /// An open connection to this address, the kept one if it still serves.
    async fn to(&mut self, address: SocketAddr) -> Result<&mut SendRequest<Incoming>, String> {
        let kept = match self.open.get_mut(&address) {
            Some(link) => link.ready().await.is_ok(),
            None => false,
        };
        if !kept {
            let link = self
                .connect(address)
                .await
                .map_err(|error| error.to_string())?;
            self.open.insert(address, link);
        }
        Ok(self
            .open
            .get_mut(&address)
            .expect("it was kept or just opened"))
    }

    async fn connect(&mut self, address: SocketAddr) -> Result<SendRequest<Incoming>, io::Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true).ok();
        let (link, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        self.tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a region's connection to the gateway ended");
            }
        });
        Ok(link)
    }
}
