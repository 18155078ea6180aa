//! TLS: as `sslmode` asks for it.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use taskcast_rig::{PostgresOptions as ServerOptions, PostgresServer};
use taskcast_store_postgres::migrations;

/// Gives the server a key and certificates for a name; gives the certificate of who signed them.
fn certify(server: &PostgresServer, name: &str) -> String {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    // By the server's own hand, so that it owns the files.
    for (file, text) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let hex: String = text.bytes().map(|byte| format!("\\{byte:03o}")).collect();
        server.psql(
            "postgres",
            &format!(
                "COPY (SELECT 1) TO PROGRAM 'umask 077; cat > /dev/null; printf ''{hex}'' > {file}'"
            ),
        );
    }
    server.psql("postgres", "ALTER SYSTEM SET ssl = on");
    server.psql("postgres", "SELECT pg_reload_conf()");
    root.pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_looked_at_as_far_as_the_mode_says() {
    let server = PostgresServer::start(&ServerOptions::default());
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, certify(&server, "db.example")).unwrap();
    let roots = format!("&sslrootcert={}", roots.display());
    let attempt = |host: &str, query: String| {
        let url = server.url().replace("127.0.0.1", host);
        async move { migrations::pending(&format!("{url}?sslmode={query}")).await }
    };
    attempt("127.0.0.1", "require".into()).await.unwrap();
    attempt("127.0.0.1", format!("verify-ca{roots}"))
        .await
        .unwrap();
    let error = attempt("127.0.0.1", format!("verify-full{roots}"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let error = attempt("127.0.0.1", "verify-ca".into()).await.unwrap_err();
    assert!(error.to_string().contains("ertificate"), "{error}");
    std::fs::write(
        folder.path().join("roots.pem"),
        certify(&server, "localhost"),
    )
    .unwrap();
    attempt("localhost", format!("verify-full{roots}"))
        .await
        .unwrap();
    attempt("127.0.0.1", "disable".into()).await.unwrap();
}
