package dev.varve.walreceiver.libpq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// On one real server that asks each user in another way, in the clear and over TLS.
class AuthenticationTest {

  private static LocalCluster cluster;

  @TempDir private static Path directory;

  @BeforeAll
  static void startServer() throws Exception {
    makeCertificate("server", "localhost");
    makeCertificate("stranger", "localhost");
    makeCertificate("certified", "certified");
    cluster =
        LocalCluster.builder(PostgresBinaries.of(17))
            .hba("host all,replication trusting 127.0.0.1/32 trust")
            .hba("host all,replication plain 127.0.0.1/32 password")
            .hba("host all,replication digest 127.0.0.1/32 md5")
            .hba("host all,replication salted 127.0.0.1/32 scram-sha-256")
            .hba("hostssl all,replication secret 127.0.0.1/32 scram-sha-256")
            .hba("host all,replication secret 127.0.0.1/32 reject")
            .hba("hostnossl all,replication open 127.0.0.1/32 trust")
            .hba("hostssl all,replication open 127.0.0.1/32 reject")
            .hba("hostssl all,replication certified 127.0.0.1/32 cert")
            .hba("local all,replication " + System.getProperty("user.name") + " peer")
            .hba("local all,replication salted scram-sha-256")
            .hba("local all,replication trusting peer")
            .hba("host all stranger 127.0.0.1/32 trust")
            .start();
    for (String file : new String[] {"server.crt", "server.key", "certified.crt"}) {
      Path target = cluster.dataDirectory().resolve(file);
      Files.copy(directory.resolve(file), target);
      Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-------"));
      Files.setOwner(target, Files.getOwner(cluster.dataDirectory()));
    }
    cluster.execute(
        "create role trusting login replication",
        "create role plain login replication password 'hush'",
        "create role salted login replication password 'hush\u00e9\u00aa'",
        "create role secret login replication password 'hush'",
        "create role open login replication",
        "create role limited login password 'hush'",
        "create role stranger login",
        "create role certified login replication",
        "create role \"" + System.getProperty("user.name") + "\" login replication",
        "alter system set ssl_ca_file = 'certified.crt'",
        "alter system set ssl = on",
        "select pg_reload_conf()");
    try (var connection = cluster.connect();
        var statement = connection.createStatement()) {
      statement.execute("set password_encryption = md5");
      statement.execute("create role digest login replication password 'hush'");
    }
    awaitTls();
  }

  private static void awaitTls() throws SQLException {
    while (!cluster.query("show ssl").equals("on")) {
      cluster.execute("select pg_sleep(0.02)");
    }
  }

  @AfterAll
  static void stopServer() throws IOException {
    cluster.close();
  }

  private static void makeCertificate(String name, String host) throws Exception {
    Process openssl =
        new ProcessBuilder(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + host,
                "-addext",
                "subjectAltName=DNS:" + host,
                "-keyout",
                directory.resolve(name + ".key").toString(),
                "-out",
                directory.resolve(name + ".crt").toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("openssl.log").toFile())
            .start();
    assertThat(openssl.waitFor()).as("openssl").isZero();
  }

  private static PgConnection open(String parameters) throws IOException {
    return open(parameters, PgConnection.Purpose.SQL);
  }

  private static PgConnection open(String parameters, PgConnection.Purpose purpose)
      throws IOException {
    String base = "host=localhost hostaddr=127.0.0.1 port=" + cluster.port() + " ";
    return PgConnection.open(
        ConnectionInfo.parse(base + parameters, Environment.bare("nobody")), purpose);
  }

  private static String tls(PgConnection connection) throws IOException {
    return connection
        .query("select coalesce(version, 'none') from pg_stat_ssl where pid = pg_backend_pid()")
        .text(0, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "trusting, unneeded, disable",
    "plain, hush, disable",
    "digest, hush, disable",
    "salted, hush\u00e9\u00aa, disable",
    "trusting, unneeded, prefer",
    "plain, hush, prefer",
    "digest, hush, require",
    "salted, hush\u00e9\u00aa, require",
    "secret, hush, prefer",
  })
  void provesItselfAsTheServerAsks(String user, String password, String sslMode)
      throws IOException {
    String parameters = "user=%s password='%s' sslmode=%s".formatted(user, password, sslMode);
    try (PgConnection connection = open(parameters)) {
      assertThat(connection.query("select current_user").text(0, 0)).isEqualTo(user);
      assertThat(connection.serverVersion()).isGreaterThan(170000);
      assertThat(tls(connection)).isEqualTo(sslMode.equals("disable") ? "none" : "TLSv1.3");
    }
    try (PgConnection connection = open(parameters, PgConnection.Purpose.REPLICATION)) {
      assertThat(connection.query("IDENTIFY_SYSTEM").size()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "digest", "salted"})
  void aWrongPasswordIsRefusedWithAdvice(String user) {
    assertThatThrownBy(() -> open("user=" + user + " password=barley"))
        .asInstanceOf(type(ServerErrorException.class))
        .satisfies(e -> {
          assertThat(e.sqlState()).isEqualTo("28P01");
          assertThat(e.isFatal()).isTrue();
          assertThat(e)
              .hasMessageContaining("password authentication failed for user \"" + user)
              .hasMessageContaining("check user and password")
              .hasMessageNotContaining("barley");
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "digest", "salted"})
  void aMissingPasswordIsSaidBeforeTheServerIsAsked(String user) {
    assertThatThrownBy(() -> open("user=" + user))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("wants a password for user " + user)
        .hasMessageContaining("PGPASSWORD");
  }

  @Test
  void channelBindingIsUsedAndCanBeDemanded() throws IOException {
    open("user=secret password=hush sslmode=require channel_binding=require").close();
    open("user=secret password=hush sslmode=require channel_binding=disable").close();
    for (String weaker :
        new String[] {
          "user=secret password=hush sslmode=disable",
          "user=plain password=hush sslmode=require",
          "user=digest password=hush sslmode=require",
          "user=trusting sslmode=require",
          "user=salted password=hush sslmode=disable",
        }) {
      assertThatThrownBy(() -> open(weaker + " channel_binding=require"))
          .as(weaker)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void preferFallsBackWhereThePgHbaWantsNoTls() throws IOException {
    try (PgConnection connection = open("user=open sslmode=prefer")) {
      assertThat(tls(connection)).isEqualTo("none");
    }
    assertThatThrownBy(() -> open("user=open sslmode=require"))
        .isInstanceOf(ServerErrorException.class)
        .hasMessageContaining("pg_hba.conf");
  }

  @Test
  void believesOnlyKnownCertificatesForThisHost() throws IOException {
    String user = "user=trusting sslrootcert=" + directory.resolve("server.crt");
    open(user + " sslmode=verify-full").close();
    open(user + " sslmode=verify-ca").close();
    open(user + " sslmode=verify-ca host=elsewhere.example").close();
    assertThatThrownBy(() -> open(user + " sslmode=verify-full host=elsewhere.example"))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("no TLS with elsewhere.example")
        .hasMessageContaining("sslmode=verify-full");
  }

  @ParameterizedTest
  @EnumSource(
      value = SslMode.class,
      names = {"REQUIRE", "VERIFY_CA", "VERIFY_FULL"})
  void refusesACertificateThatNoRootSigned(SslMode mode) {
    String stranger = "user=trusting sslmode=" + mode + " sslrootcert=";
    assertThatThrownBy(() -> open(stranger + directory.resolve("stranger.crt")))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("no TLS");
    assertThatThrownBy(() -> open("user=trusting sslrootcert=system"))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("no TLS");
    assertThatThrownBy(() -> open(stranger + "/no/such/file"))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("/no/such/file can't be read");
  }

  @Test
  void aCertificateOfOursIsShownToWhoAsks() throws IOException {
    String certificate = certificate("certified", "certified");
    try (PgConnection connection = open(certificate)) {
      assertThat(connection.query("select current_user").text(0, 0)).isEqualTo("certified");
    }
    open(certificate, PgConnection.Purpose.REPLICATION).close();
    assertThatThrownBy(() -> open("user=certified sslmode=require"))
        .hasMessageContaining("certificate");
    assertThatThrownBy(() -> open(certificate("stranger", "stranger")))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> open(certificate("certified", "stranger")))
        .isInstanceOf(IOException.class);
  }

  private static String certificate(String certificate, String key) {
    return "user=certified sslmode=require sslcert=%s sslkey=%s"
        .formatted(directory.resolve(certificate + ".crt"), directory.resolve(key + ".key"));
  }

  @ParameterizedTest
  @CsvSource({
    "pkcs8 -topk8 -passout pass:hush, is encrypted",
    "rsa -traditional -aes128 -passout pass:hush, is encrypted",
    "rsa -traditional, convert it with: openssl pkcs8 -topk8 -nocrypt",
    "rsa -pubout, is no PKCS#8 key",
  })
  void aKeyThatIsNotAsItMustBeIsSaid(String how, String finding) throws Exception {
    Path key = directory.resolve("other.key");
    String command =
        "openssl " + how + " -in " + directory.resolve("certified.key") + " -out " + key;
    Process openssl = new ProcessBuilder(command.split(" ", -1)).redirectErrorStream(true).start();
    assertThat(new String(openssl.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .doesNotContain("rror");
    assertThat(openssl.waitFor()).isZero();
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    assertThatThrownBy(() -> open(certificate("certified", "other")))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("the client key " + key)
        .hasMessageContaining(finding);
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw----r--"));
    assertThatThrownBy(() -> open(certificate("certified", "other")))
        .hasMessageContaining("chmod 600 it");
    Files.delete(key);
    assertThatThrownBy(() -> open(certificate("certified", "other")))
        .hasMessageContaining("set sslkey");
  }

  private static PgConnection openSocket(String parameters, PgConnection.Purpose purpose)
      throws IOException {
    String base =
        "host=%s port=%d sslmode=require ".formatted(cluster.socketDirectory(), cluster.port());
    return PgConnection.open(
        ConnectionInfo.parse(base + parameters, Environment.bare(System.getProperty("user.name"))),
        purpose);
  }

  @ParameterizedTest
  @EnumSource(PgConnection.Purpose.class)
  void aUnixSocketKnowsTheUserOfTheOperatingSystem(PgConnection.Purpose purpose)
      throws IOException {
    try (PgConnection connection = openSocket("", purpose)) {
      assertThat(connection.serverVersion()).isGreaterThan(170000);
      assertThat(connection.host())
          .hasToString(cluster.socketDirectory() + "/.s.PGSQL." + cluster.port());
    }
    openSocket("user=salted password='hush\u00e9\u00aa'", purpose).close();
    assertThatThrownBy(() -> openSocket("user=trusting", purpose))
        .isInstanceOf(ServerErrorException.class)
        .hasMessageContaining("eer authentication failed");
    assertThatThrownBy(() -> openSocket("port=1", purpose))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("can't connect to " + cluster.socketDirectory() + "/.s.PGSQL.1")
        .hasMessageContaining("in unix_socket_directories?");
  }

  @Test
  void saysWhatTheUserLacks() {
    assertThatThrownBy(() -> open("user=nobody"))
        .isInstanceOf(ServerErrorException.class)
        .hasMessageContaining("role \"nobody\" does not exist");
    assertThatThrownBy(() -> open("user=stranger", PgConnection.Purpose.REPLICATION))
        .isInstanceOf(ServerErrorException.class)
        .hasMessageContaining("REPLICATION");
    assertThatThrownBy(() -> open("user=trusting dbname=nowhere"))
        .isInstanceOf(ServerErrorException.class)
        .hasMessageContaining("name a database that exists");
  }

  @Test
  void triesTheHostsInTurn() throws IOException {
    String hosts =
        "host=127.0.0.1,127.0.0.1 port=1,%d user=trusting sslmode=disable"
            .formatted(cluster.port());
    var info = ConnectionInfo.parse(hosts, Environment.bare("nobody"));
    try (PgConnection connection = PgConnection.open(info, PgConnection.Purpose.SQL)) {
      assertThat(connection.host().port()).isEqualTo(cluster.port());
    }
    var nowhere = ConnectionInfo.parse("host=127.0.0.1,127.0.0.1 port=1,2", Environment.bare("x"));
    assertThatThrownBy(() -> PgConnection.open(nowhere, PgConnection.Purpose.SQL))
        .isInstanceOf(ConnectionFailedException.class)
        .hasMessageContaining("can't connect to 127.0.0.1:1")
        .hasMessageContaining("can't connect to 127.0.0.1:2")
        .hasMessageContaining("is PostgreSQL running there");
    var unknown = ConnectionInfo.parse("host=no.such.host.invalid", Environment.bare("x"));
    assertThatThrownBy(() -> PgConnection.open(unknown, PgConnection.Purpose.SQL))
        .hasMessageContaining("no host is called no.such.host.invalid");
  }

  @Test
  void anErrorLeavesTheConnectionReady() throws IOException {
    try (PgConnection connection = open("user=trusting")) {
      assertThatThrownBy(() -> connection.query("select 1; select 1 / 0"))
          .asInstanceOf(type(ServerErrorException.class))
          .extracting(ServerErrorException::sqlState)
          .isEqualTo("22012");
      assertThat(connection.query("select 1, null, 'x'").rows().getFirst())
          .containsExactly("1", null, "x");
    }
  }
}
