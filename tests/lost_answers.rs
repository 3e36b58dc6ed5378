//! A COMMIT whose answer is lost: the outcome is unknown to us and known to the database. A proxy between the box office
//! and the server loses the answers, one per act, at exactly that point.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use chrono::TimeDelta;
use concert_core::{BoxOffice, Error, TokenStatus, Wanted};
use sqlx::mysql::MySqlSslMode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::support::{House, PRICE, Shortcuts as _, money, policy, seat};

/// A server in between that passes everything on until it is told to lose one answer to a COMMIT.
struct Proxy {
    socket: PathBuf,
    lose_next: Arc<AtomicBool>,
    lost: Arc<AtomicU32>,
    _folder: tempfile::TempDir,
}

impl Proxy {
    fn start(server: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("proxy.sock");
        let listener = UnixListener::bind(&socket).expect("binds");
        let proxy = Self { socket, lose_next: Arc::default(), lost: Arc::default(), _folder: folder };
        let (server, lose_next, lost) = (server.to_owned(), proxy.lose_next.clone(), proxy.lost.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("reaches the server");
                tokio::spawn(pass_on(client, server, lose_next.clone(), lost.clone()));
            }
        });
        proxy
    }
}

async fn pass_on(mut client: UnixStream, mut server: UnixStream, lose_next: Arc<AtomicBool>, lost: Arc<AtomicU32>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let question = &asked[..length];
                let loses = question.ends_with(b";commit") && lose_next.swap(false, Ordering::SeqCst);
                if server.write_all(question).await.is_err() {
                    return;
                }
                if loses {
                    // The server has committed once it answers; its answer stays here.
                    let _ = server.read(&mut answered).await;
                    lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_neither_lost_nor_done_twice() {
    let house = House::open().await;
    let concert = house.concert(3).await;
    let proxy = Proxy::start(house.database.get_socket().expect("a unix socket"));
    // In the clear, so that the proxy sees the COMMIT.
    let database = house.database.clone().socket(&proxy.socket).ssl_mode(MySqlSslMode::Disabled);
    let office = BoxOffice::connect_with(database, policy(), house.clock.clone()).await.expect("connects");
    let user = house.user(500).await;
    let lose = || proxy.lose_next.store(true, Ordering::SeqCst);
    lose();
    let joined = office.issue_token(user).await.expect("joins");
    assert_eq!((joined.token.standing.status, joined.resumed), (TokenStatus::Active, false));
    lose();
    let recharged = office.recharge(user, money(50)).await.expect("recharges");
    assert_eq!((recharged.before, recharged.after), (money(500), money(550)));
    lose();
    let held = office.hold_one(user, concert, seat(1)).await.expect("holds");
    lose();
    let given_back = office.hold_one(user, concert, seat(2)).await.expect("holds");
    lose();
    office.cancel(user, given_back.id).await.expect("gives back");
    lose();
    let best = Wanted::BestAvailable { count: 2, section: None };
    let order = office.hold(user, concert, best).await.expect("holds");
    assert_eq!(order.reservations.len(), 2);
    lose();
    let until = office.extend_hold(user, order.id).await.expect("extends");
    assert_eq!(until, order.expires_at + TimeDelta::minutes(2));
    lose();
    let payment = office.pay(user, held.id, money(PRICE)).await.expect("pays").payments.remove(0);
    assert_eq!(payment.reservation, held.id);
    lose();
    let paid = office.pay(user, order.id, order.total).await.expect("pays");
    assert_eq!(paid.payments.len(), 2);
    lose();
    let refund = office.operator("ann".parse().expect("a name")).refund(payment.id, None).await.expect("refunds");
    assert_eq!((refund.payment, refund.balance), (payment.id, money(550 - 2 * PRICE)));
    lose();
    let name = || "bela".parse::<concert_core::Username>().expect("a name");
    office.sign_up(name()).await.expect("registers");
    lose();
    office.leave_queue(user).await.expect("leaves");

    assert_eq!(proxy.lost.load(Ordering::SeqCst), 12, "every act lost an answer");
    assert_eq!(house.office.balance(user).await.expect("reads"), money(550 - 2 * PRICE));
    assert!(matches!(house.office.sign_up(name()).await, Err(Error::UsernameTaken)));
    assert!(matches!(house.office.token_status(user).await, Err(Error::TokenExpired)));
    assert_eq!(house.count("select count(*) from reservations").await, 4);
    assert_eq!(house.count("select count(*) from payments").await, 3);
    house.assert_sound().await;
}
