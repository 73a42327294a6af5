package dev.varve.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import dev.varve.task.RealThreads;
import io.etcd.jetcd.Auth;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.auth.Permission;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/// An etcd that does not let in everybody.
@EnabledIf("dev.varve.etcd.EtcdServer#isInstalled")
@Timeout(60)
class EtcdAccessTest {

  private static final EtcdSettings SETTINGS =
      new EtcdSettings("n", Duration.ofSeconds(10), Duration.ofSeconds(15));
  private static final TenantId TENANT = new TenantId(1, 2);

  private final RealThreads threads = new RealThreads(InstantSource.system(), 1);

  @TempDir private Path directory;

  @AfterEach
  void close() {
    threads.close();
  }

  private void requireWorks(String address) throws Exception {
    try (EtcdGenerations generations =
        EtcdGenerations.open(EtcdAddress.parse(address), SETTINGS, threads)) {
      assertThat(generations.attach(TENANT, Generation.NONE).value()).isPositive();
    }
  }

  private AbstractThrowableAssert<?, ? extends Throwable> failure(String address) {
    return assertThatThrownBy(
        () -> EtcdGenerations.open(EtcdAddress.parse(address), SETTINGS, threads));
  }

  @Test
  void usersHavePasswordsAndRights() throws Exception {
    try (EtcdServer server = EtcdServer.start(directory)) {
      try (Client client = Client.builder().endpoints("http://" + server.hostAndPort()).build()) {
        Auth auth = client.getAuthClient();
        for (String user : List.of("root", "varve", "guest")) {
          auth.userAdd(EtcdCalls.bytes(user), EtcdCalls.bytes("secret")).get();
          auth.roleAdd(EtcdCalls.bytes(user)).get();
          auth.userGrantRole(EtcdCalls.bytes(user), EtcdCalls.bytes(user)).get();
        }
        auth.roleGrantPermission(
                EtcdCalls.bytes("varve"),
                EtcdCalls.bytes("/mine/"),
                EtcdCalls.bytes("/mine0"),
                Permission.Type.READWRITE)
            .get();
        auth.authEnable().get();
      }
      Path password = Files.writeString(directory.resolve("password"), "secret\n");
      Path wrong = Files.writeString(directory.resolve("wrong"), "sesame");
      String host = "etcd://" + server.hostAndPort() + "/mine";
      requireWorks(host + "?user=varve&password-file=" + password);
      failure(host + "?user=varve&password-file=" + wrong)
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContaining("check user and password-file");
      failure(host + "?user=guest&password-file=" + password)
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContaining("must be allowed to read and write the prefix");
      failure(host).isInstanceOf(StoreException.Refused.class);
      failure(host + "?user=varve&password-file=" + directory.resolve("none"))
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContaining("no password");
    }
  }

  @Test
  void connectionsMayBeEncryptedAndCertified() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "there is no openssl");
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2");
    certificate("server");
    certificate("client");
    String[] options = {
      "--cert-file",
      file("server.pem"),
      "--key-file",
      file("server.key"),
      "--client-cert-auth",
      "--trusted-ca-file",
      file("ca.pem")
    };
    try (EtcdServer server = EtcdServer.start(directory, options)) {
      String trusting = "etcds://" + server.hostAndPort() + "/t?ca=" + file("ca.pem");
      requireWorks(trusting + "&cert=" + file("client.pem") + "&key=" + file("client.key"));
      failure(trusting).isInstanceOf(StoreException.class);
      failure("etcds://" + server.hostAndPort() + "/t").isInstanceOf(StoreException.class);
      failure(trusting + "&cert=" + file("none.pem") + "&key=" + file("client.key"))
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContaining("its certificates can't be read");
    }
  }

  private String file(String name) {
    return directory.resolve(name).toString();
  }

  private void certificate(String name) throws Exception {
    Files.writeString(directory.resolve("ext"), "subjectAltName=IP:127.0.0.1\n");
    openssl(
        "req -newkey rsa:2048 -nodes -keyout %s.key -out %s.csr -subj /CN=%s"
            .formatted(name, name, name));
    openssl(
        "x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out %s.pem -days 2"
                .formatted(name, name)
            + " -extfile ext");
  }

  private void openssl(String arguments) throws Exception {
    var command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ")));
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("openssl.log").toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(directory.resolve("openssl.log"))).isZero();
  }
}
