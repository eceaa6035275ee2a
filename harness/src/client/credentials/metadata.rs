//! The container or the instance that we run in, which hand out the keys of their role over plain HTTP on the machine itself.
//!
//! Sources: AWS SDKs and Tools Reference Guide, "Container credential provider"; EC2 User Guide, "Use IMDSv2". The first version of the instance's
//! service, without a token, is not spoken.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Deserialize;

use super::{
    Environment, Keys,
    chain::{CredentialsError, Found, checked, refused},
};

const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

/// Where the second leads.
const CONTAINER: &str = "http://169.254.170.2";

/// Where an instance's service is, unless the environment says otherwise.
const INSTANCE: &str = "http://169.254.169.254";

const ROLES: &str = "latest/meta-data/iam/security-credentials/";

/// Where nobody is, connecting takes for ever.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

const LIMIT: Duration = Duration::from_secs(5);

/// As both hand them out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

/// What one question to a service brought.
#[derive(Debug)]
enum Trouble {
    /// Nobody is there.
    Nobody(String),
    /// Somebody is, and says something else.
    Other(String),
}

/// Keys of the task or pod that we run in.
pub(super) fn container(environment: &Environment) -> Result<Found, CredentialsError> {
    let full = environment.get(FULL_URI).map(str::to_owned);
    let relative = environment.get(RELATIVE_URI);
    let Some(url) = full.or_else(|| Some(format!("{CONTAINER}{}", relative?))) else {
        return Ok(Found::Nothing(format!(
            "the container (neither {FULL_URI} nor {RELATIVE_URI} is set)"
        )));
    };
    let place = format!("the container's {url}");
    let token = authorization(environment).map_err(|wrong| refused(&place, wrong))?;
    let asked = ask(async {
        let mut request = client()?.get(&url);
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        keys(&text(request).await?)
    });
    match asked {
        Ok(keys) => checked(&place, keys),
        Err(Trouble::Nobody(wrong) | Trouble::Other(wrong)) => Err(refused(place, wrong)),
    }
}

fn authorization(environment: &Environment) -> Result<Option<String>, String> {
    if let Some(path) = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let token = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        return Ok(Some(token.trim().to_owned()));
    }
    let token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    Ok(token.map(str::to_owned))
}

/// Keys of the role of the instance that we run on.
pub(super) fn instance(environment: &Environment) -> Result<Found, CredentialsError> {
    let disabled = environment.get("AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(Found::Nothing(
            "the instance (AWS_EC2_METADATA_DISABLED is true)".to_owned(),
        ));
    }
    let service = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let service = service.unwrap_or(INSTANCE).trim_end_matches('/');
    let place = format!("the instance's {service}");
    match ask(role(service)) {
        Ok(keys) => checked(&place, keys),
        Err(Trouble::Nobody(why)) => Ok(Found::Nothing(format!("{place} ({why})"))),
        Err(Trouble::Other(wrong)) => Err(refused(place, wrong)),
    }
}

async fn role(service: &str) -> Result<Keys, Trouble> {
    let client = client()?;
    let token = client
        .request(Method::PUT, format!("{service}/latest/api/token"))
        .header("x-aws-ec2-metadata-token-ttl-seconds", "300");
    let token = text(token).await?;
    let get = |below: &str| {
        let request = client.get(format!("{service}/{ROLES}{below}"));
        request.header("x-aws-ec2-metadata-token", &token)
    };
    let roles = text(get("")).await?;
    let name = roles.lines().next().unwrap_or_default();
    keys(&text(get(name)).await?)
}

fn keys(answer: &str) -> Result<Keys, Trouble> {
    let answer: Answer = serde_json::from_str(answer).map_err(|error| {
        // What it said holds secrets, so the error says where, not what.
        let (kind, column) = (error.classify(), error.column());
        Trouble::Other(format!(
            "it did not answer with keys: {kind:?} at column {column}"
        ))
    })?;
    let expires = answer
        .expiration
        .parse()
        .map_err(|_| Trouble::Other(format!("its Expiration {} is no time", answer.expiration)))?;
    Ok(Keys {
        access_key: answer.access_key_id,
        secret_key: answer.secret_access_key,
        session_token: Some(answer.token),
        expires: Some(expires),
    })
}

async fn text(request: RequestBuilder) -> Result<String, Trouble> {
    let answer = request.send().await.map_err(|error| {
        if error.is_connect() || error.is_timeout() {
            Trouble::Nobody("nobody answers there".to_owned())
        } else {
            Trouble::Other(error.to_string())
        }
    })?;
    let status = answer.status();
    match (status, answer.text().await) {
        (StatusCode::OK, Ok(text)) => Ok(text),
        (StatusCode::OK, Err(error)) => Err(Trouble::Other(error.to_string())),
        (StatusCode::NOT_FOUND, _) => Err(Trouble::Nobody(
            "it has none: no role is attached".to_owned(),
        )),
        (other, _) => Err(Trouble::Other(format!("it answered {other}"))),
    }
}

fn client() -> Result<Client, Trouble> {
    let builder = Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT);
    let built = builder.build();
    built.map_err(|error| Trouble::Other(error.to_string()))
}

fn ask(question: impl Future<Output = Result<Keys, Trouble>>) -> Result<Keys, Trouble> {
    runtime().map_err(Trouble::Other)?.block_on(question)
}

/// One for one question: nobody waits for another meanwhile.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    built.map_err(|error| format!("nobody can be asked: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::{SocketAddr, TcpListener},
    };

    use super::*;

    const KEYS: &str = r#"{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-31T12:00:00Z"}"#;

    /// Answers as many requests as there are answers, and tells what was asked.
    fn serve(answers: Vec<(u16, &'static str)>) -> (SocketAddr, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let serving = std::thread::spawn(move || {
            let mut asked = String::new();
            for (status, body) in answers {
                let (stream, _) = listener.accept().expect("a request");
                let mut reader = BufReader::new(&stream);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("readable");
                    if line.trim().is_empty() {
                        break;
                    }
                    asked += &line.to_ascii_lowercase();
                }
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                (&stream)
                    .write_all((head + body).as_bytes())
                    .expect("writable");
                stream.shutdown(std::net::Shutdown::Write).expect("open");
                (&stream).read_to_end(&mut Vec::new()).expect("it ends");
            }
            asked
        });
        (address, serving)
    }

    fn instance_at(answers: Vec<(u16, &'static str)>) -> (Result<Found, CredentialsError>, String) {
        let (address, serving) = serve(answers);
        let service = format!("http://{address}/");
        let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.as_str())];
        let found = instance(&Environment::of(&variables));
        (found, serving.join().expect("it ended"))
    }

    #[test]
    fn an_instance_hands_out_the_keys_of_its_role() {
        let (found, asked) = instance_at(vec![(200, "TOKEN"), (200, "my-role"), (200, KEYS)]);
        let Ok(Found::Keys(keys)) = found else {
            panic!("no keys")
        };
        assert_eq!(keys.session_token.as_deref(), Some("t"));
        assert!(keys.expires.is_some());
        assert!(asked.starts_with("put /latest/api/token"), "{asked}");
        assert!(asked.contains("x-aws-ec2-metadata-token: token"), "{asked}");
        assert!(asked.contains(&format!("get /{ROLES}my-role")), "{asked}");
    }

    #[test]
    fn an_instance_without_a_role_has_none_and_one_that_refuses_is_told() {
        let (found, _) = instance_at(vec![(200, "TOKEN"), (404, "")]);
        assert!(matches!(found, Ok(Found::Nothing(why)) if why.contains("no role is attached")));
        let (found, _) = instance_at(vec![(403, "")]);
        let refused = found.err().expect("a refusal").to_string();
        assert!(refused.contains("403"), "{refused}");
        let (found, _) = instance_at(vec![(200, "TOKEN"), (200, "r"), (200, "hush")]);
        let refused = found.err().expect("no JSON").to_string();
        assert!(
            refused.contains("answer with keys") && !refused.contains("hush"),
            "{refused}"
        );
        let nobody = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")];
        let found = instance(&Environment::of(&nobody));
        assert!(matches!(found, Ok(Found::Nothing(why)) if why.contains("nobody answers there")));
    }

    #[test]
    fn a_container_is_asked_with_its_token() {
        let (address, serving) = serve(vec![(200, KEYS)]);
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "hush\n").expect("writable");
        let url = format!("http://{address}/role");
        let found = container(&Environment::of(&[
            (FULL_URI, &url),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                path.to_str().expect("text"),
            ),
        ]));
        let asked = serving.join().expect("it ended");
        assert!(matches!(found, Ok(Found::Keys(keys)) if keys.access_key == "ASIA"));
        assert!(
            asked.starts_with("get /role") && asked.contains("authorization: hush\r\n"),
            "{asked}"
        );
        let refused = container(&Environment::of(&[(FULL_URI, "http://127.0.0.1:9/")]));
        let refused = refused.err().expect("nobody there").to_string();
        assert!(
            refused.contains("the container's http://127.0.0.1:9/"),
            "{refused}"
        );
    }
}
