package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoreAddressTest {

  @Test
  void aDirectory() {
    assertThat(StoreAddress.parse("file:///var/lib/varve%20remote"))
        .isEqualTo(new StoreAddress.Directory(Path.of("/var/lib/varve remote")));
  }

  @Test
  void aBucket() {
    assertThat(StoreAddress.parse("s3://my-bucket"))
        .isEqualTo(new StoreAddress.S3("my-bucket", "", null, null, false));
    assertThat(StoreAddress.parse("s3://my-bucket/a/b?region=eu-west-1"))
        .isEqualTo(new StoreAddress.S3("my-bucket", "a/b/", null, "eu-west-1", false))
        .hasToString("s3://my-bucket/a/b/");
    assertThat(StoreAddress.parse("s3://b_1?endpoint=https%3A%2F%2Fhost:9000&path-style=true"))
        .isEqualTo(new StoreAddress.S3("b_1", "", URI.create("https://host:9000"), null, true))
        .hasToString("s3://b_1/ at https://host:9000");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/var/lib | neither s3:// nor file:///",
        "http://host/bucket | neither s3:// nor file:///",
        "file://var/lib | three slashes",
        "file:///a?b=c | only a path",
        "file:var | only a path may follow",
        "s3:///prefix | a bucket's name",
        "s3://key:secret@bucket | a bucket's name, and nothing else",
        "s3://a | no name of a bucket",
        "s3://bucket/a b | Illegal character",
        "s3://bucket/../x | a segment must not begin with a dot",
        "s3://bucket/a#b | it has a #",
        "s3://bucket?regoin=x | there is no option regoin; there are endpoint, region and path-style",
        "s3://bucket?region=x&region=y | region is given twice",
        "s3://bucket?region= | is no region",
        "s3://bucket?path-style=yes | true or false",
        "s3://bucket?endpoint=localhost:9000 | such as https://host:9000",
        "s3://bucket?endpoint=https://u:p@host | such as https://host:9000",
        "s3://bucket?endpoint | is no option=value",
      })
  void whatIsWrongIsSaid(String text, String finding) {
    assertThatThrownBy(() -> StoreAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("\"" + text + "\" is no address of an object store: ", finding);
  }
}
