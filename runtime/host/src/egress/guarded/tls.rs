//! Whom we talk to over TLS, and whom not.

use std::io::{Read as _, Write as _};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::*;

type Versions = &'static [&'static SupportedProtocolVersion];

const ANY: Versions = &[&TLS13, &TLS12];
const OLD: Versions = &[&TLS12];

/// Every name is this machine.
struct Here;

#[async_trait]
impl Lookup for Here {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()])
    }
}

/// The port of a server that shows this certificate and answers whoever goes on.
fn server(certificate: &str, versions: Versions) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::Stream::new(&mut tls, &mut socket);
            if matches!(stream.read(&mut [0; 4_096]), Ok(1..)) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

/// What comes of a request to `shop.example`, whose server shows this certificate.
async fn ask(certificate: &str, versions: Versions, roots: &[&str]) -> Result<u16, TransportError> {
    let origin = format!("https://shop.example:{}", server(certificate, versions));
    let allowed = BTreeSet::from([origin.parse().unwrap()]);
    let roots: Vec<_> = roots.iter().map(|it| reqwest::Certificate::from_pem(it.as_bytes()).unwrap()).collect();
    let guarded = Guarded::trusting(Arc::new(Here), allowed, &roots).unwrap();
    let request = http::Request::get(format!("{origin}/")).body(Bytes::new()).unwrap();
    Ok(guarded.send(request, Duration::from_secs(10)).await?.status().as_u16())
}

#[tokio::test]
async fn p13_whoever_cannot_prove_who_they_are_is_told_nothing() {
    assert_eq!(ask(GOOD, ANY, &[ROOT]).await, Ok(200));
    // Nothing was sent: a write that meets such a server is simply tried again.
    let check = async |certificate: &str, versions: Versions, roots: &[&str], words: &str| {
        let seen = ask(certificate, versions, roots).await;
        assert!(matches!(&seen, Err(TransportError::Unreachable(why)) if why.contains(words)), "{words}: {seen:?}");
    };
    check(EXPIRED, ANY, &[ROOT], "expired").await;
    check(OTHER, ANY, &[ROOT], "not valid for name").await;
    check(GOOD, ANY, &[], "invalid peer certificate").await;
    check(GOOD, OLD, &[ROOT], "alert").await;
}

/// Signs the others. All were made once with openssl and last until 2120, but for the one that ended.
const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBYzCCAQmgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yb290IG9m
IHRlc3RzMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1yb290IG9mIHRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0p4f
aK1cynseVPV+D5FOcfG6lZbtn83gaxBUp4g4ef2qVLAvOhNpt0TvUO/yJBK13pf+
1Y7jERo9h+rRMOG0R6NCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMC
AgQwHQYDVR0OBBYEFJk3/gDzrTIP0dQbshgQ5Mrb5CgtMAoGCCqGSM49BAMCA0gA
MEUCICyfUzncaueKl8jpeiy5utyrlT+unmQSCDD/4MpLwgfuAiEA/70izUEbTR0X
I8bh2Lw4IMN9M19/6XarZQZer1FqIec=
-----END CERTIFICATE-----
";

/// For `shop.example`.
const GOOD: &str = "\
-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgIBAjAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yb290IG9m
IHRlc3RzMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAaMRgwFgYD
VQQDDA9zZXJ2ZXIgb2YgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQg
2ngZ1aZnAMBNpmFVigOay9EasZTVaRpNIfRwQIzCEptUDQbj3Ik2UPe6gbPKJwV5
MnOvVJi0XCVOKUH01oVio34wfDAXBgNVHREEEDAOggxzaG9wLmV4YW1wbGUwDAYD
VR0TAQH/BAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUm1Dfj4GG
KJkp6MfrdVU7Q+Y9RnIwHwYDVR0jBBgwFoAUmTf+APOtMg/R1BuyGBDkytvkKC0w
CgYIKoZIzj0EAwIDSAAwRQIgbfDUFoXzy2DSMog5DKTziVuYZxvfV3j7XRdr4pdn
uf8CIQCTwtjwulROL6H41GNp9gYKKsY48Z6phHGCJ5iFi/kthA==
-----END CERTIFICATE-----
";

/// For `other.example`.
const OTHER: &str = "\
-----BEGIN CERTIFICATE-----
MIIBozCCAUigAwIBAgIBAzAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yb290IG9m
IHRlc3RzMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAaMRgwFgYD
VQQDDA9zZXJ2ZXIgb2YgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQg
2ngZ1aZnAMBNpmFVigOay9EasZTVaRpNIfRwQIzCEptUDQbj3Ik2UPe6gbPKJwV5
MnOvVJi0XCVOKUH01oVio38wfTAYBgNVHREEETAPgg1vdGhlci5leGFtcGxlMAwG
A1UdEwEB/wQCMAAwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFJtQ34+B
hiiZKejH63VVO0PmPUZyMB8GA1UdIwQYMBaAFJk3/gDzrTIP0dQbshgQ5Mrb5Cgt
MAoGCCqGSM49BAMCA0kAMEYCIQCZ2GVKvYo7Ss114Uw+L8wo7jsQLTYqpeKH7XYW
acpxJQIhAO8UMvWB03wDAW4+9TmjmVFzLelc2PqFtoLiTyDnWpGT
-----END CERTIFICATE-----
";

/// For `shop.example`, until 2021.
const EXPIRED: &str = "\
-----BEGIN CERTIFICATE-----
MIIBnzCCAUWgAwIBAgIBBDAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yb290IG9m
IHRlc3RzMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowGjEYMBYGA1UE
AwwPc2VydmVyIG9mIHRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEINp4
GdWmZwDATaZhVYoDmsvRGrGU1WkaTSH0cECMwhKbVA0G49yJNlD3uoGzyicFeTJz
r1SYtFwlTilB9NaFYqN+MHwwFwYDVR0RBBAwDoIMc2hvcC5leGFtcGxlMAwGA1Ud
EwEB/wQCMAAwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFJtQ34+BhiiZ
KejH63VVO0PmPUZyMB8GA1UdIwQYMBaAFJk3/gDzrTIP0dQbshgQ5Mrb5CgtMAoG
CCqGSM49BAMCA0gAMEUCIHURdi/JH+CEkoaSEA3vUdP6f82M5onzFvvSgVUpTeya
AiEAlakyjsYIHo1MreouK4Q3V8SLtqBS6uI6EhYv6jn+1Cs=
-----END CERTIFICATE-----
";

/// Of all servers here; it opens nothing else.
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKlkepfAFbrPgFhII
1pavmbYNHv12z/6046ir5xUl/tWhRANCAAQg2ngZ1aZnAMBNpmFVigOay9EasZTV
aRpNIfRwQIzCEptUDQbj3Ik2UPe6gbPKJwV5MnOvVJi0XCVOKUH01oVi
-----END PRIVATE KEY-----
";
