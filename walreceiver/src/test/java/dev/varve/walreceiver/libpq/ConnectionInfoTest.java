package dev.varve.walreceiver.libpq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectionInfoTest {

  private static final Environment BARE = Environment.bare("me");

  @TempDir private Path directory;

  private static ConnectionInfo parse(String text) {
    return ConnectionInfo.parse(text, BARE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "host=db port=5433 user=varve dbname=app          | varve@db:5433      | app",
        "  host = db   user = 'o x'                       | o x@db:5432        | postgres",
        "host=db user='it\\'s me'                         | it's me@db:5432    | postgres",
        "host=db user=a\\ b                               | a b@db:5432        | postgres",
        "user=''                                          | me@localhost:5432  | postgres",
        "postgresql://db                                  | me@db:5432         | postgres",
        "postgres://varve:secret@db:5433/app              | varve@db:5433      | app",
        "postgresql://a%40b:p%2Fw@db/x%20y                | a@b@db:5432        | x y",
        "postgresql://[::1]:5433/?user=varve              | varve@[::1]:5433   | postgres",
        "postgresql:///app?host=db&port=1                 | me@db:1            | app",
        "postgresql://one:1,two:2/app                     | me@one:1,two:2     | app",
        "host=one,two port=1,2                            | me@one:1,two:2     | postgres",
        "host=one,two port=7                              | me@one:7,two:7     | postgres",
        "host=one,two                                     | me@one:5432,two:5432 | postgres",
        "postgresql://u:p@a:b@db                          | u@db:5432          | postgres",
        "host=/run/pg port=5433                           | me@/run/pg/.s.PGSQL.5433 | postgres",
        "postgresql://%2Frun%2Fpg:5433/app                | me@/run/pg/.s.PGSQL.5433 | app",
        "postgresql:///app?host=/run/pg                   | me@/run/pg/.s.PGSQL.5432 | app",
        "host=/run/pg,db                                  | me@/run/pg/.s.PGSQL.5432,db:5432 | postgres",
        "host=/run/pg hostaddr=127.0.0.1                  | me@/run/pg:5432    | postgres",
        "host=db gssencmode=prefer sslnegotiation=postgres | me@db:5432        | postgres",
      })
  void readsBothForms(String text, String who, String database) {
    ConnectionInfo info = parse(text);
    assertThat(info).hasToString(who);
    assertThat(info.database()).isEqualTo(database);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "host                              | lacks \"=\" after \"host\"",
        "host=db user='x                   | has no closing quote",
        "host=db port=0                    | is not between 1 and 65535",
        "host=db port=x                    | port=x is not a number",
        "host=a,b port=1,2,3               | 2 hosts and 3 ports",
        "host=db sslmode=maybe             | none of disable, prefer, require",
        "host=db channel_binding=x         | none of disable, prefer, require",
        "host=@x                           | is an abstract Unix socket",
        "host=db sslcrl=x                  | \"sslcrl\" is not supported",
        "host=db requirepeer=x             | \"requirepeer\" is not supported",
        "host=db gssencmode=require        | gssencmode=require is not supported",
        "host=db load_balance_hosts=random | load_balance_hosts=random is not supported",
        "host=db service=x                 | there is no service \"x\" in /nonexistent",
        "host=db target_session_attrs=best | target_session_attrs=best is none of any, read-write",
        "sslrootcert=system sslmode=require | sslrootcert=system needs sslmode=verify-full, not",
        "postgresql://[::1/x               | no closing",
        "postgresql://db/%zz               | two hexadecimal digits",
        "postgresql://db/%00               | two hexadecimal digits",
        "postgresql://db/%ff               | are not UTF-8",
        "postgresql://db/%4                | two hexadecimal digits",
        "postgresql://db?x                 | has no \"=\"",
      })
  void saysWhatIsWrong(String text, String finding) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(finding);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host=db password=hush port=x",
        "host=db password='hush",
        "postgresql://u:hush@db:x",
        "postgresql://u:hush@[::1",
        "postgresql://u:hush@db?nonsense=1",
      })
  void noErrorShowsThePassword(String text) {
    assertThatThrownBy(() -> parse(text)).message().doesNotContain("hush");
  }

  @Test
  void takesFromTheEnvironmentWhatIsNotGiven() {
    var environment =
        new Environment(
            Map.of(
                "PGHOST", "db",
                "PGPORT", "5433",
                "PGUSER", "varve",
                "PGDATABASE", "app",
                "PGPASSWORD", "hush",
                "PGSSLMODE", "verify-full",
                "PGSSLROOTCERT", "/ca.pem",
                "PGAPPNAME", "name",
                "PGCONNECT_TIMEOUT", "3"),
            directory,
            "me");
    ConnectionInfo info = ConnectionInfo.parse("", environment);
    assertThat(info).hasToString("varve@db:5433");
    assertThat(info.database()).isEqualTo("app");
    assertThat(info.sslMode()).isEqualTo(SslMode.VERIFY_FULL);
    assertThat(info.sslRootCertificate()).contains("/ca.pem");
    assertThat(info.connectTimeout()).isEqualTo(Duration.ofSeconds(3));
    assertThat(info.password(info.hosts().getFirst(), "app")).contains("hush");
    assertThat(info.withDefaultApplicationName("other").applicationName()).isEqualTo("name");

    ConnectionInfo given = ConnectionInfo.parse("host=x user=y password=z", environment);
    assertThat(given).hasToString("y@x:5433");
    assertThat(given.password(given.hosts().getFirst(), "app")).contains("z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PGSSLCRL", "PGREQUIREAUTH", "PGREQUIREPEER", "PGSSLMINPROTOCOLVERSION"})
  void aDemandOfTheEnvironmentThatIsNotMetIsNotIgnored(String variable) {
    var environment = new Environment(Map.of(variable, "x"), directory, "me");
    assertThatThrownBy(() -> ConnectionInfo.parse("host=db", environment))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the environment variable " + variable + "=x is not supported; unset it");
  }

  @Test
  void takesAServiceBetweenTheStringAndTheEnvironment() throws IOException {
    Files.writeString(
        directory.resolve(".pg_service.conf"),
        """
        # ours
        [other]
        host=wrong

        [varve]
        host=db
        port=5433
        # again
        user=follower
        password=hush = hush
        [last]
        user=wrong
        """);
    Map<String, String> variables = Map.of("PGHOST", "elsewhere", "PGDATABASE", "app");
    var environment = new Environment(variables, directory, "me");
    ConnectionInfo info = ConnectionInfo.parse("service=varve user=me", environment);
    assertThat(info).hasToString("me@db:5433");
    assertThat(info.database()).isEqualTo("app");
    assertThat(info.password(info.hosts().getFirst(), "x")).contains("hush = hush");
    assertThat(ConnectionInfo.parse(info.toSecretString(), BARE)).hasToString("me@db:5433");

    var named = new Environment(Map.of("PGSERVICE", "varve"), directory, "me");
    assertThat(ConnectionInfo.parse("", named)).hasToString("follower@db:5433");
    Path file = Files.writeString(directory.resolve("mine"), "[varve]\nsslcrl=x\n[odd]\nhush\n");
    var mine = new Environment(Map.of("PGSERVICEFILE", file.toString()), directory, "me");
    assertThatThrownBy(() -> ConnectionInfo.parse("service=varve", mine))
        .hasMessageContaining("\"sslcrl\" is not supported");
    assertThatThrownBy(() -> ConnectionInfo.parse("service=odd", mine))
        .hasMessageContaining("has a line that is no parameter")
        .message()
        .doesNotContain("hush");
    assertThatThrownBy(() -> ConnectionInfo.parse("service=none", mine))
        .hasMessageContaining("there is no service \"none\" in " + file);
  }

  @Test
  void filesAreNamedByWholePathsAndTheUsualOnesAreFound() throws IOException {
    Path folder = Files.createDirectory(directory.resolve(".postgresql"));
    Files.createFile(folder.resolve("postgresql.crt"));
    var environment = new Environment(Map.of(), directory, "me");
    ConnectionInfo usual = ConnectionInfo.parse("host=db", environment);
    assertThat(usual.sslCertificate()).contains(folder.resolve("postgresql.crt"));
    assertThat(usual.toSecretString())
        .contains("sslkey='" + folder.resolve("postgresql.key") + "'");
    String secret = parse("sslcert=a sslkey=b passfile=c sslrootcert=system").toSecretString();
    for (String file : new String[] {"a", "b", "c"}) {
      assertThat(secret).contains("='" + Path.of(file).toAbsolutePath() + "'");
    }
    assertThat(secret).contains("sslrootcert='system'");
    assertThat(parse("sslrootcert=system").sslMode()).isEqualTo(SslMode.VERIFY_FULL);
  }

  @Test
  void theSecretStringSaysTheSame() {
    ConnectionInfo info =
        parse("host=a,b port=1,2 user=u password='it\\'s \\\\ me' sslmode=require");
    ConnectionInfo again = parse(info.toSecretString());
    assertThat(again).hasToString(info.toString());
    assertThat(again.sslMode()).isEqualTo(SslMode.REQUIRE);
    assertThat(again.password(again.hosts().getFirst(), "x")).contains("it's \\ me");
    assertThat(info.toString()).doesNotContain("me");
    assertThat(info.withDatabase("d").withDefaultApplicationName("n").toSecretString())
        .contains("dbname='d'", "application_name='n'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "db:5432:*:u:hush                | hush",
        "other:5432:*:u:no\\n*:*:*:*:hush | hush",
        "#db:5432:*:u:no\\ndb:*:replication:u:hu:sh | hu:sh",
        "db:5432:*:u:h\\\\:u\\\\\\\\sh   | h:u\\sh",
        "db:5433:*:u:no                  | ",
        "db:5432:app:u:no                | ",
        "db:5432:*:other:no              | ",
        "nonsense                        | ",
      })
  void findsThePasswordInTheFile(String lines, String password) throws IOException {
    Path file = directory.resolve(".pgpass");
    Files.writeString(file, lines.replace("\\n", "\n").replace("\\\\", "\\"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    ConnectionInfo info =
        ConnectionInfo.parse("host=db user=u", new Environment(Map.of(), directory, "me"));
    assertThat(info.password(info.hosts().getFirst(), "replication").orElse(null))
        .isEqualTo(password);
  }

  @ParameterizedTest
  @CsvSource({
    "/var/run/postgresql, localhost, true",
    "/var/run/postgresql, /var/run/postgresql, true",
    "/srv/pg, /srv/pg, true",
    "/srv/pg, localhost, false",
  })
  void aSocketsPasswordIsThatOfItsFolderOrOfLocalhost(String host, String field, boolean found)
      throws IOException {
    Path file = Files.writeString(directory.resolve(".pgpass"), field + ":5432:*:*:hush");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    ConnectionInfo info =
        ConnectionInfo.parse("host=" + host, new Environment(Map.of(), directory, "me"));
    assertThat(info.password(info.hosts().getFirst(), "replication").isPresent()).isEqualTo(found);
  }

  @Test
  void aPasswordFileThatOthersMayReadIsIgnored() throws IOException {
    Path file = directory.resolve("pw");
    Files.writeString(file, "*:*:*:*:hush");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    ConnectionInfo info = parse("host=db passfile=" + file);
    assertThat(info.password(info.hosts().getFirst(), "x")).isEmpty();
    assertThat(info.passwordFile().problem().orElseThrow()).contains("chmod 600");
  }
}
