//! The servers: one for each service and one for the admin surface, on a thread of their own.
//!
//! The thread brings its own runtime, so that a sandbox can be started from any runtime or from none, and keeps
//! answering while its test blocks.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer, rt};
use socket2::{Domain, Socket, Type};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::options::{Options, Ports, Urls};
use crate::state::State;
use crate::{Service, admin, cart, connection, notification, payment, product, user};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Server {
    Of(Service),
    Admin,
}

impl Server {
    const ALL: [Self; 6] = [
        Self::Of(Service::User),
        Self::Of(Service::Product),
        Self::Of(Service::Cart),
        Self::Of(Service::Payment),
        Self::Of(Service::Notification),
        Self::Admin,
    ];

    fn port(self, ports: Ports) -> u16 {
        match self {
            Self::Of(Service::User) => ports.user,
            Self::Of(Service::Product) => ports.product,
            Self::Of(Service::Cart) => ports.cart,
            Self::Of(Service::Payment) => ports.payment,
            Self::Of(Service::Notification) => ports.notification,
            Self::Admin => ports.admin,
        }
    }

    fn configure(self, config: &mut ServiceConfig) {
        match self {
            Self::Of(Service::User) => user::configure(config),
            Self::Of(Service::Product) => product::configure(config),
            Self::Of(Service::Cart) => cart::configure(config),
            Self::Of(Service::Payment) => payment::configure(config),
            Self::Of(Service::Notification) => notification::configure(config),
            Self::Admin => admin::configure(config),
        }
    }
}

enum Command {
    Listen(Service, bool, oneshot::Sender<io::Result<()>>),
    Stop,
}

/// Orders to the thread that runs the servers.
#[derive(Clone)]
pub(crate) struct Control(UnboundedSender<Command>);

impl Control {
    /// Starts or stops listening on the port of a service. Done when it is so.
    pub(crate) async fn listen(&self, service: Service, listening: bool) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        let stopped = || io::Error::other("the sandbox has been stopped");
        self.0.send(Command::Listen(service, listening, done)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Closes every port and ends the thread, without waiting for it.
    pub(crate) fn stop(&self) {
        // the thread may have ended already
        let _ = self.0.send(Command::Stop);
    }
}

/// Servers that run.
pub(crate) struct Started {
    pub(crate) control: Control,
    pub(crate) urls: Urls,
    pub(crate) thread: JoinHandle<()>,
}

/// Binds the ports and starts the servers. They answer when this returns.
pub(crate) fn start(options: &Options, state: Arc<State>) -> io::Result<Started> {
    let mut listeners = BTreeMap::new();
    for server in Server::ALL {
        let address = (options.host.as_str(), server.port(options.ports));
        listeners.insert(server, TcpListener::bind(address)?);
    }
    let mut addresses = BTreeMap::new();
    for (server, listener) in &listeners {
        addresses.insert(*server, listener.local_addr()?);
    }
    let urls = urls(&addresses)?;

    let (commands, inbox) = unbounded_channel();
    let control = Control(commands);
    let (ready, started) = mpsc::channel();
    let servers =
        Servers { running: BTreeMap::new(), held: BTreeMap::new(), addresses, state, control: control.clone() };
    let thread = thread::Builder::new()
        .name("order-sandbox".to_owned())
        .spawn(move || rt::System::new().block_on(servers.run(listeners, &ready, inbox)))?;
    started.recv().map_err(|_| io::Error::other("the sandbox did not start"))??;
    Ok(Started { control, urls, thread })
}

fn urls(addresses: &BTreeMap<Server, SocketAddr>) -> io::Result<Urls> {
    let url = |server| {
        let address = addresses.get(&server).ok_or_else(|| io::Error::other("a server has no address"))?;
        Ok::<_, io::Error>(Urls::base(*address))
    };
    Ok(Urls {
        user: url(Server::Of(Service::User))?,
        product: url(Server::Of(Service::Product))?,
        cart: url(Server::Of(Service::Cart))?,
        payment: url(Server::Of(Service::Payment))?,
        notification: url(Server::Of(Service::Notification))?,
        admin: url(Server::Admin)?,
    })
}

/// What the thread holds.
struct Servers {
    running: BTreeMap<Server, ServerHandle>,
    /// The ports of services that are down: nobody else is given one meanwhile.
    held: BTreeMap<Server, Socket>,
    addresses: BTreeMap<Server, SocketAddr>,
    state: Arc<State>,
    control: Control,
}

impl Servers {
    async fn run(
        mut self,
        listeners: BTreeMap<Server, TcpListener>,
        ready: &mpsc::Sender<io::Result<()>>,
        mut inbox: UnboundedReceiver<Command>,
    ) {
        let result = listeners.into_iter().try_for_each(|(server, listener)| self.serve(server, listener));
        let failed = result.is_err();
        if ready.send(result).is_err() || failed {
            return;
        }
        while let Some(command) = inbox.recv().await {
            match command {
                Command::Listen(service, listening, done) => {
                    let result = self.listen(service, listening).await;
                    // whoever asked may no longer wait
                    let _ = done.send(result);
                }
                Command::Stop => break,
            }
        }
        for server in self.running.into_values() {
            server.stop(false).await;
        }
    }

    fn serve(&mut self, server: Server, listener: TcpListener) -> io::Result<()> {
        let state = Data::from(Arc::clone(&self.state));
        let control = Data::new(self.control.clone());
        let app = move || {
            let app = App::new().app_data(state.clone()).app_data(control.clone());
            app.configure(move |config| server.configure(config))
        };
        let http = HttpServer::new(app)
            // a stand-in serves tests, not load
            .workers(1)
            .disable_signals()
            // longer than clients keep idle connections: one closed under a new call would look like a fault
            .keep_alive(Duration::from_mins(2))
            .on_connect(connection::remember)
            .listen(listener)?
            .run();
        self.running.insert(server, http.handle());
        rt::spawn(http);
        Ok(())
    }

    async fn listen(&mut self, service: Service, listening: bool) -> io::Result<()> {
        let server = Server::Of(service);
        if !listening {
            if let Some(running) = self.running.remove(&server) {
                running.stop(false).await;
                if let Some(address) = self.addresses.get(&server) {
                    self.held.insert(server, held(*address).await?);
                }
            }
            return Ok(());
        }
        match self.held.remove(&server) {
            Some(held) => {
                held.set_reuse_address(true)?;
                held.listen(BACKLOG)?;
                self.serve(server, held.into())
            }
            None => Ok(()),
        }
    }
}

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 1024;

/// Binds a port that was let go, without listening on it: whoever connects is refused, and no other server is given it, who
/// would be taken for this one. In between, a client may have been given it for a connection of its own, which is over
/// soon.
async fn held(address: SocketAddr) -> io::Result<Socket> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let held = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // To bind beside connections that are not quite over; from then on, whoever would share the port is refused.
    held.set_reuse_address(true)?;
    loop {
        match held.bind(&address.into()) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                sleep(Duration::from_millis(20)).await;
            }
            bound => break bound?,
        }
    }
    held.set_reuse_address(false)?;
    Ok(held)
}
