//! Out of a closed network: through a proxy that has to be asked for each connection, to a server behind TLS whose
//! certificate only this machine's own store knows.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};

use crate::app::{TestApp, User};

/// A name that leads nowhere but through the proxy.
const HOST: &str = "runcast.test";

struct Network {
    proxy: SocketAddr,
    /// What the proxy was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Network {
    /// Around a server; its certificate is put into the server's folder.
    async fn around(app: &TestApp) -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        std::fs::write(app.path("authority.pem"), made.cert.pem()).expect("the folder is there");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
            .expect("they belong together");
        let (tls, asked) = (TlsAcceptor::from(Arc::new(config)), Arc::<Mutex<Vec<String>>>::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (proxy, server, said) =
            (listener.local_addr().expect("it has one"), app.address.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Clients that end badly are what some of this is about.
                tokio::spawn(tunnel(client, tls.clone(), server.clone(), Arc::clone(&said)));
            }
        });
        Self { proxy, asked }
    }

    /// The program, inside.
    fn command(&self, app: &TestApp, user: &User, words: &[&str]) -> Command {
        let mut command = app.client_command(user, words);
        command.env("RUNCAST_URL", format!("https://{HOST}")).env("HTTPS_PROXY", format!("http://{}", self.proxy));
        command.env("XDG_STATE_HOME", app.path("state")).env_remove("NO_PROXY").env_remove("no_proxy");
        command
    }
}

async fn tunnel(
    client: TcpStream,
    tls: TlsAcceptor,
    server: String,
    said: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && client.read_line(&mut head).await? > 0 {}
    said.lock().expect("no panic").push(head.lines().next().unwrap_or_default().to_owned());
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut inner = tls.accept(client).await?;
    copy_bidirectional(&mut inner, &mut TcpStream::connect(server).await?).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_reported_through_a_proxy_to_a_server_whose_certificate_the_machine_knows() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let network = Network::around(&app).await;
    let mut command =
        network.command(&app, &alice, &["exec", "--name", "inside", "--", "sh", "-c", "echo through; exit 7"]);
    let said = command.env("SSL_CERT_FILE", app.path("authority.pem")).output().await.expect("it is built");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((said.status.code(), text(&said.stdout), text(&said.stderr)), (Some(7), "through\n".into(), "".into()));

    let list = alice.json("/api/executions?workflow=inside").await;
    let id = list["items"][0]["id"].as_str().expect("it was reported");
    assert_eq!(alice.snapshot(id).await["steps"][0]["exit_code"], json!(7));
    assert_eq!(alice.get(&format!("/api/executions/{id}/log")).await.text().await.expect("text"), "through\n");
    let asked = network.asked.lock().expect("no panic").clone();
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("CONNECT runcast.test:443 ")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_certificate_nobody_vouches_for_is_not_spoken_to() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let network = Network::around(&app).await;
    let said = network.command(&app, &alice, &["list"]).output().await.expect("it is built");
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(3), "{err}");
    assert!(err.contains("certificate"), "{err}");
}
