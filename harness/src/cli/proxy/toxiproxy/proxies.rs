//! The proxies of the API: each a link while it is enabled, and what is kept of it while it is not.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use workloads::seed::Seed;

use super::{
    Refusal,
    toxic::{Toxic, Wish},
};
use crate::{proxy::Link, topology::Weather};

/// A proxy as it stands in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Shown {
    name: String,
    listen: String,
    upstream: String,
    enabled: bool,
    toxics: Vec<Toxic>,
}

/// A proxy as somebody asks for it; what is left out of a change stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProxyWish {
    name: String,
    listen: String,
    upstream: String,
    enabled: Option<bool>,
}

/// One proxy.
struct Proxy {
    shown: Shown,
    /// There while it is enabled.
    link: Option<Arc<Link>>,
}

/// All proxies, by name.
pub(in super::super) struct Proxies {
    seed: Seed,
    runtime: Handle,
    by_name: BTreeMap<String, Proxy>,
}

impl Proxies {
    /// None yet. Their links will live on this runtime.
    pub(in super::super) fn new(seed: u64, runtime: Handle) -> Self {
        Self {
            seed: Seed(seed),
            runtime,
            by_name: BTreeMap::new(),
        }
    }

    pub(super) fn all(&self) -> BTreeMap<&str, &Shown> {
        let proxies = self.by_name.iter();
        proxies
            .map(|(name, proxy)| (name.as_str(), &proxy.shown))
            .collect()
    }

    pub(super) fn show(&self, name: &str) -> Result<&Shown, Refusal> {
        let proxy = self.by_name.get(name);
        proxy.map(|proxy| &proxy.shown).ok_or_else(no_proxy)
    }

    /// Makes one, and opens it unless it is to be disabled.
    pub(super) fn create(&mut self, wish: ProxyWish) -> Result<&Shown, Refusal> {
        for (field, value) in [("name", &wish.name), ("upstream", &wish.upstream)] {
            if value.is_empty() {
                return Err(Refusal::new(
                    400,
                    format!("missing required field: {field}"),
                ));
            }
        }
        if self.by_name.contains_key(&wish.name) {
            return Err(Refusal::new(409, "proxy already exists"));
        }
        let shown = Shown {
            name: wish.name.clone(),
            listen: wish.listen,
            upstream: wish.upstream,
            enabled: false,
            toxics: Vec::new(),
        };
        let mut proxy = Proxy { shown, link: None };
        if wish.enabled.unwrap_or(true) {
            proxy.open(self.seed, &self.runtime)?;
        }
        Ok(&self.by_name.entry(wish.name).or_insert(proxy).shown)
    }

    /// Makes those that are not there or not as wished, and enables or disables the others.
    pub(super) async fn populate(
        &mut self,
        wishes: Vec<ProxyWish>,
    ) -> Result<Vec<&Shown>, Refusal> {
        let names: Vec<String> = wishes.iter().map(|wish| wish.name.clone()).collect();
        for wish in wishes {
            let is_same =
                |shown: &Shown| shown.listen == wish.listen && shown.upstream == wish.upstream;
            match self
                .by_name
                .get(&wish.name)
                .map(|proxy| is_same(&proxy.shown))
            {
                Some(true) => {
                    let enabled = Some(wish.enabled.unwrap_or(true));
                    let name = wish.name.clone();
                    self.change(&name, ProxyWish { enabled, ..wish }).await?;
                }
                Some(false) => {
                    self.remove(&wish.name).await?;
                    self.create(wish)?;
                }
                None => {
                    self.create(wish)?;
                }
            }
        }
        names.iter().map(|name| self.show(name)).collect()
    }

    /// Lets it listen or lead elsewhere, opens or closes it.
    pub(super) async fn change(&mut self, name: &str, wish: ProxyWish) -> Result<&Shown, Refusal> {
        let proxy = self.by_name.get_mut(name).ok_or_else(no_proxy)?;
        let or_old = |new: String, old: &str| if new.is_empty() { old.to_owned() } else { new };
        let listen = or_old(wish.listen, &proxy.shown.listen);
        let upstream = or_old(wish.upstream, &proxy.shown.upstream);
        let enabled = wish.enabled.unwrap_or(proxy.shown.enabled);
        let is_moved = listen != proxy.shown.listen || upstream != proxy.shown.upstream;
        if is_moved || !enabled {
            proxy.close().await;
        }
        (proxy.shown.listen, proxy.shown.upstream) = (listen, upstream);
        if enabled && proxy.link.is_none() {
            proxy.open(self.seed, &self.runtime)?;
        }
        Ok(&proxy.shown)
    }

    pub(super) async fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let mut proxy = self.by_name.remove(name).ok_or_else(no_proxy)?;
        proxy.close().await;
        Ok(())
    }

    /// Enables every proxy and takes every toxic away.
    pub(super) fn reset(&mut self) -> Result<(), Refusal> {
        for proxy in self.by_name.values_mut() {
            proxy.shown.toxics.clear();
            match &proxy.link {
                Some(link) => link.heal(),
                None => proxy.open(self.seed, &self.runtime)?,
            }
        }
        Ok(())
    }

    pub(super) fn toxics(&self, proxy: &str) -> Result<&[Toxic], Refusal> {
        self.show(proxy).map(|shown| shown.toxics.as_slice())
    }

    pub(super) fn toxic(&self, proxy: &str, toxic: &str) -> Result<&Toxic, Refusal> {
        let mut toxics = self.toxics(proxy)?.iter();
        toxics.find(|one| one.name == toxic).ok_or_else(no_toxic)
    }

    pub(super) fn add_toxic(&mut self, proxy: &str, wish: Wish) -> Result<Toxic, Refusal> {
        let proxy = self.by_name.get_mut(proxy).ok_or_else(no_proxy)?;
        let toxic = Toxic::of(wish)?;
        if proxy.shown.toxics.iter().any(|one| one.name == toxic.name) {
            return Err(Refusal::new(409, "toxic already exists"));
        }
        if let Some(link) = &proxy.link {
            toxic.install(link);
        }
        proxy.shown.toxics.push(toxic.clone());
        Ok(toxic)
    }

    pub(super) fn change_toxic(
        &mut self,
        proxy: &str,
        toxic: &str,
        wish: Wish,
    ) -> Result<Toxic, Refusal> {
        let proxy = self.by_name.get_mut(proxy).ok_or_else(no_proxy)?;
        let mut toxics = proxy.shown.toxics.iter_mut();
        let toxic = toxics.find(|one| one.name == toxic).ok_or_else(no_toxic)?;
        toxic.change(wish)?;
        if let Some(link) = &proxy.link {
            link.remove(&toxic.name);
            toxic.install(link);
        }
        Ok(toxic.clone())
    }

    pub(super) fn remove_toxic(&mut self, proxy: &str, toxic: &str) -> Result<(), Refusal> {
        let proxy = self.by_name.get_mut(proxy).ok_or_else(no_proxy)?;
        let toxics = &mut proxy.shown.toxics;
        let place = toxics.iter().position(|one| one.name == toxic);
        toxics.remove(place.ok_or_else(no_toxic)?);
        if let Some(link) = &proxy.link {
            link.remove(toxic);
        }
        Ok(())
    }
}

impl Proxy {
    /// Opens its link, with its toxics, and remembers where it listens.
    fn open(&mut self, seed: Seed, runtime: &Handle) -> Result<(), Refusal> {
        let shown = &mut self.shown;
        let listen = address(&shown.listen)?;
        let upstream = address(&shown.upstream)?;
        let link = Link::open(
            &shown.name,
            listen,
            upstream,
            Weather::default(),
            seed,
            runtime,
        )
        .map_err(|error| Refusal::new(500, error.to_string()))?;
        for toxic in &shown.toxics {
            toxic.install(&link);
        }
        shown.listen = link.address().to_string();
        shown.enabled = true;
        self.link = Some(link);
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.shown.enabled = false;
    }
}

/// `HOST:PORT` as an address; without a host, or without anything, any port of this machine.
fn address(text: &str) -> Result<SocketAddr, Refusal> {
    let whole = match text {
        "" => "127.0.0.1:0".to_owned(),
        port if port.starts_with(':') => format!("127.0.0.1{port}"),
        other => other.to_owned(),
    };
    let resolved = whole.to_socket_addrs().ok().and_then(|mut all| all.next());
    resolved.ok_or_else(|| Refusal::new(400, format!("{text:?} is no HOST:PORT that can be found")))
}

fn no_proxy() -> Refusal {
    Refusal::new(404, "proxy not found")
}

fn no_toxic() -> Refusal {
    Refusal::new(404, "toxic not found")
}
