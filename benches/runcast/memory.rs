//! Memory of an idle stream: 10,000 of them, beside bare sockets in this process.

use tokio::net::{TcpListener, TcpStream};

use crate::{
    process::{may_open, own_memory},
    served::Served,
    table::{Row, Unit, title},
};

const STREAMS: usize = 10_000;
/// Pairs of bare sockets; both ends are in this process.
const BARE: usize = 4_000;
const AIM: f64 = 9.0 * 1024.0;

pub async fn measure() {
    title(&format!("{STREAMS} idle event streams"));
    if !may_open(STREAMS as u64 + 500) {
        println!("  left out: this machine does not allow so many open files");
        return;
    }
    let bare = bare().await;
    let server = Served::start(&[]);
    // What the first streams cost once and not each, such as the allocator's pools.
    drop(server.streams(200).await);
    let before = server.memory();
    let open = server.streams(STREAMS).await;
    let each = (server.memory() - before) as f64 / STREAMS as f64;
    drop(open);
    Row::new("memory of the server's process for each", Unit::Bytes, each)
        .beside("bare sockets", bare)
        .at_most(AIM)
        .print();
}

/// The memory of a socket that is accepted and held. Measured before anything else: what this process had and gave back
/// it would take again without growing.
async fn bare() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let before = own_memory();
    let mut open = Vec::with_capacity(BARE);
    for _ in 0..BARE {
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        open.push((one.expect("a connection"), other.expect("a connection").0));
    }
    (own_memory() - before) as f64 / 2.0 / BARE as f64
}
