//! Which file is read, what it may be, and what its paths are relative to.

mod common;

use common::{PEM, SECRET, Start, below};
use taskcast_config::{Auth, JwtKey, Overrides, Storage};

#[test]
fn the_first_file_in_search_order_is_used() {
    let names = [
        "taskcast.config.yaml",
        "taskcast.config.yml",
        "taskcast.config.json",
        "home/.taskcast/taskcast.config.yaml",
        "home/.taskcast/taskcast.config.yml",
        "home/.taskcast/taskcast.config.json",
    ];
    for first in 0..names.len() {
        let mut start = Start::new().home("home");
        for (port, name) in names.iter().enumerate().skip(first) {
            start = start.file(name, format!("{{\"port\": {port}}}"));
        }
        let loaded = start.loads();
        assert_eq!(below(&start, &loaded.file.unwrap()), names[first]);
        assert_eq!(usize::from(loaded.settings.bind.port), first);
    }
}

#[test]
fn without_a_file_the_defaults_hold() {
    let start = Start::new().home("home");
    let loaded = start.loads();
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.settings.bind.port, 3721);
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    for text in [
        "",
        "# port: 1\n",
        "---\n",
        "auth:\nlimits:\n",
        "\u{feff}port: 3721\n",
    ] {
        assert_eq!(
            Start::new().yaml(text).loads().settings.bind.port,
            3721,
            "{text:?}"
        );
    }
}

#[test]
fn javascript_configuration_is_refused_never_skipped() {
    for name in [
        "taskcast.config.ts",
        "taskcast.config.js",
        "taskcast.config.mjs",
    ] {
        let found = Start::new()
            .yaml("port: 1")
            .file(name, "export default {}")
            .refusal();
        assert_eq!(
            found,
            format!(
                "{name}: JavaScript and TypeScript configuration is not supported yet by this \
                 build; write it as YAML or JSON and name that file with -c"
            )
        );
        let start = Start::new().yaml("port: 1").file(name, "export default {}");
        assert_eq!(
            start
                .explicit("taskcast.config.yaml")
                .loads()
                .settings
                .bind
                .port,
            1
        );
    }
    assert!(
        Start::new()
            .explicit("my.config.TS")
            .refusal()
            .contains("not supported yet")
    );
}

#[test]
fn a_named_file_must_exist_and_be_readable_text() {
    assert_eq!(
        Start::new()
            .yaml("port: 1")
            .explicit("other.yaml")
            .refusal(),
        "other.yaml: cannot read the configuration: no such file; check the path given with -c"
    );
    assert_eq!(
        Start::new()
            .file("folder/x", "")
            .explicit("folder")
            .refusal(),
        "folder: cannot read the configuration: it is a directory"
    );
    assert_eq!(
        Start::new()
            .file("x.yaml", b"a: 1\nb: \xff")
            .explicit("x.yaml")
            .refusal(),
        "x.yaml: the configuration is not UTF-8 text; see line 2"
    );
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_refused_rather_than_passed_over() {
    let start = Start::new();
    std::os::unix::fs::symlink("gone.yaml", start.path("taskcast.config.yaml")).unwrap();
    assert_eq!(
        start.json("{}").refusal(),
        "taskcast.config.yaml: cannot read the configuration: no such file"
    );
}

#[test]
fn large_files_and_bombs_are_bounded() {
    let large = format!("# {}", "x".repeat(10 << 20));
    assert_eq!(
        Start::new().yaml(&large).refusal(),
        "taskcast.config.yaml: cannot read the configuration: it is larger than 1048576 bytes"
    );
    let levels = (1..9).map(|n| {
        format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 9].join(",")
        )
    });
    let bomb = format!("a0: &a0 [x]\n{}", levels.collect::<String>());
    assert!(
        Start::new()
            .yaml(&bomb)
            .refusal()
            .contains("at most 20000 values")
    );
    assert!(
        Start::new()
            .json(&"[".repeat(1 << 19))
            .refusal()
            .contains("not valid JSON")
    );
    let keys = (0..1000).map(|n| format!("k{n}: 1\n")).collect::<String>();
    assert!(
        Start::new()
            .yaml(&keys)
            .refusal()
            .contains("at most 512 keys")
    );
}

#[test]
fn a_key_can_neither_break_the_line_of_its_refusal_nor_flood_it() {
    let said = Start::new().json("{\"a\\n\\u001b[31mb\": 1}").refusal();
    assert_eq!(
        said,
        "taskcast.config.json:1:2: a\\n\\u{1b}[31mb: unknown key"
    );
    let said = Start::new()
        .json(&format!("{{\"{}\": 1}}", "k".repeat(500_000)))
        .refusal();
    assert!(said.len() < 500, "{}", said.len());
}

#[test]
fn paths_in_a_file_are_relative_to_it_and_others_to_the_working_directory() {
    let database = |start: &Start| match start.loads().settings.storage {
        Storage::Sqlite { path, .. } => below(start, &path),
        other => panic!("{other:?}"),
    };
    let start = || {
        Start::new()
            .file("etc/x.yaml", "adapters: {shortTerm: {path: data/tasks.db}}")
            .explicit("etc/x.yaml")
    };
    assert_eq!(database(&start()), "etc/data/tasks.db");
    assert_eq!(
        database(&start().var("TASKCAST_SQLITE_PATH", "env.db")),
        "env.db"
    );
    let flags = Overrides {
        db_path: Some("flag.db".into()),
        ..Overrides::default()
    };
    let start = start().var("TASKCAST_SQLITE_PATH", "env.db").flags(flags);
    assert_eq!(database(&start), "flag.db");
    let start = Start::new()
        .file("etc/x.yaml", "port: 1")
        .explicit("etc/x.yaml");
    assert_eq!(database(&start), "taskcast.db");
}

#[test]
fn key_files_are_read_without_the_line_end_at_their_end() {
    let jwt = |start: &Start| match start.loads().settings.auth {
        Auth::Jwt(jwt) => jwt.key,
        Auth::None => panic!("open"),
    };
    for end in ["", "\n", "\r\n"] {
        let start = Start::new()
            .file("keys/jwt", format!("{SECRET}{end}"))
            .file(
                "etc/x.yaml",
                "auth: {mode: jwt, jwt: {secretFile: ../keys/jwt}}",
            )
            .explicit("etc/x.yaml");
        let JwtKey::Secret(secret) = jwt(&start) else {
            panic!("a public key")
        };
        assert_eq!(secret.expose(), SECRET);
    }
    let one_line = PEM.trim().replace('\n', "\\n");
    let given = [
        ("TASKCAST_JWT_PUBLIC_KEY_FILE", "jwt.pem"),
        ("TASKCAST_JWT_PUBLIC_KEY", &one_line),
    ];
    for (name, value) in given {
        let start = Start::new()
            .file("jwt.pem", PEM)
            .var("TASKCAST_AUTH_MODE", "jwt")
            .var("TASKCAST_JWT_ALGORITHM", "ES256")
            .var(name, value);
        let JwtKey::PublicKey(key) = jwt(&start) else {
            panic!("a secret")
        };
        assert_eq!(key.expose(), PEM.trim());
    }
}
