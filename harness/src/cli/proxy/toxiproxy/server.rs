//! Answers the API's requests, one connection after the other: whoever sets faults needs no speed.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, USER_AGENT},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::JoinSet,
};

use super::{Proxies, Refusal, proxies::ProxyWish};

/// The version whose API this is, and whose work.
const VERSION: &str = concat!("2.9.0+dateline.", env!("CARGO_PKG_VERSION"));

/// More is no request of this API.
const BODY_BYTES_MAX: usize = 1 << 20;

/// After a failed accept: file descriptors come back.
const RETRY: Duration = Duration::from_millis(50);

/// An answer: its status and its JSON.
type Answer = (u16, Bytes);

/// Serves until dropped.
pub(in super::super) async fn serve(listener: TcpListener, proxies: Proxies) {
    let proxies = Arc::new(Mutex::new(proxies));
    let mut clients = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                clients.spawn(serve_client(client, Arc::clone(&proxies)));
            }
            Err(error) => {
                tracing::warn!(%error, "the API cannot accept; out of file descriptors?");
                tokio::time::sleep(RETRY).await;
            }
        }
        while clients.try_join_next().is_some() {}
    }
}

async fn serve_client(client: TcpStream, proxies: Arc<Mutex<Proxies>>) {
    let service = service_fn(|request| {
        let proxies = &proxies;
        async move { Ok::<_, Infallible>(answer(request, proxies).await) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(client), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a client of the API went away");
    }
}

async fn answer(request: Request<Incoming>, proxies: &Mutex<Proxies>) -> Response<Full<Bytes>> {
    let (status, body) = match handle(request, proxies).await {
        Ok(answer) => answer,
        Err(Refusal { status, error }) => (
            status,
            json!({ "error": error, "title": error, "status": status })
                .to_string()
                .into(),
        ),
    };
    let response = Response::builder().status(status);
    response
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .expect("the status is one of ours")
}

async fn handle(request: Request<Incoming>, proxies: &Mutex<Proxies>) -> Result<Answer, Refusal> {
    let agent = request.headers().get(USER_AGENT);
    if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
        // As Toxiproxy does: a page in somebody's browser must not reach into a test.
        return Err(Refusal::new(403, "User agent not allowed"));
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body = body
        .map_err(|error| Refusal::new(400, format!("bad request body: {error}")))?
        .to_bytes();
    let path: Vec<&str> = parts
        .uri
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    // Newer clients change things with PATCH, older ones with POST.
    let is_change = parts.method == Method::POST || parts.method == Method::PATCH;
    let mut proxies = proxies.lock().await;
    match (&parts.method, path.as_slice()) {
        (&Method::GET, ["version"]) => shown(200, &json!({ "version": VERSION })),
        (&Method::POST, ["reset"]) => proxies.reset().map(|()| nothing()),
        (&Method::POST, ["populate"]) => {
            let populated = proxies.populate(read(&body)?).await?;
            shown(201, &json!({ "proxies": populated }))
        }
        (&Method::GET, ["proxies"]) => shown(200, &proxies.all()),
        (&Method::POST, ["proxies"]) => shown(201, proxies.create(read(&body)?)?),
        (&Method::GET, ["proxies", proxy]) => shown(200, proxies.show(proxy)?),
        (_, ["proxies", proxy]) if is_change => {
            let wish: ProxyWish = read(&body)?;
            shown(200, proxies.change(proxy, wish).await?)
        }
        (&Method::DELETE, ["proxies", proxy]) => proxies.remove(proxy).await.map(|()| nothing()),
        (&Method::GET, ["proxies", proxy, "toxics"]) => shown(200, &proxies.toxics(proxy)?),
        (&Method::POST, ["proxies", proxy, "toxics"]) => {
            shown(200, &proxies.add_toxic(proxy, read(&body)?)?)
        }
        (&Method::GET, ["proxies", proxy, "toxics", toxic]) => {
            shown(200, proxies.toxic(proxy, toxic)?)
        }
        (_, ["proxies", proxy, "toxics", toxic]) if is_change => {
            shown(200, &proxies.change_toxic(proxy, toxic, read(&body)?)?)
        }
        (&Method::DELETE, ["proxies", proxy, "toxics", toxic]) => {
            proxies.remove_toxic(proxy, toxic).map(|()| nothing())
        }
        (method, _) => {
            let error = format!("there is no {method} {}", parts.uri.path());
            Err(Refusal::new(404, error))
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, format!("bad request body: {error}")))
}

fn shown(status: u16, value: &impl Serialize) -> Result<Answer, Refusal> {
    let text = serde_json::to_vec(value).expect("it has only plain fields");
    Ok((status, text.into()))
}

fn nothing() -> Answer {
    (204, Bytes::new())
}
