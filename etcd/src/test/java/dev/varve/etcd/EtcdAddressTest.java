package dev.varve.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EtcdAddressTest {

  @Test
  void membersAndPrefix() {
    EtcdAddress address = EtcdAddress.parse("etcd://a:1234,b,[::1]:5/my/prefix");
    assertThat(address.endpoints())
        .isEqualTo(
            List.of(
                URI.create("http://a:1234"),
                URI.create("http://b:2379"),
                URI.create("http://[::1]:5")));
    assertThat(address.prefix()).isEqualTo("/my/prefix");
    assertThat(address.access().tls()).isFalse();
    assertThat(EtcdAddress.parse("etcd://a").prefix()).isEqualTo("/varve");
    assertThat(EtcdAddress.parse("etcd://a/").prefix()).isEqualTo("/varve");
  }

  @Test
  void howToBeLetIn() {
    EtcdAddress address =
        EtcdAddress.parse(
            "etcds://a?ca=/x/ca&cert=/x/cert&key=/x/key&user=me&password-file=/x/pass");
    assertThat(address.access())
        .isEqualTo(
            new EtcdAddress.Access(
                true,
                Path.of("/x/ca"),
                Path.of("/x/cert"),
                Path.of("/x/key"),
                "me",
                Path.of("/x/pass")));
    assertThat(address).hasToString("etcd [https://a:2379]/varve");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "http://a | neither etcd:// nor etcds://",
        "etcd:// | is no host:port",
        "etcd://a,,b | is no host:port",
        "etcd://me:secret@a | is no host:port",
        "etcd://a//b | is no prefix such as /varve",
        "etcd://a/b/ | is no prefix such as /varve",
        "etcd://a?what=x | there is no option what",
        "etcd://a?user=x | a user needs a password-file",
        "etcd://a?ca=/x | are for etcds://",
        "etcds://a?cert=/x | a certificate needs its key",
        "etcd://a?user | is no option=value",
        "etcd://a?user=x&user=y | given twice",
      })
  void whatIsWrongIsSaid(String text, String finding) {
    assertThatThrownBy(() -> EtcdAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("is no address of etcd: ", finding);
  }
}
