package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirectoryExtractionTest {

  private static final byte[] CONTENT = zeroesAtTheEnd();

  /// Like many a page; it could be taken for the end of a tar.
  private static byte[] zeroesAtTheEnd() {
    return Arrays.copyOf("seventeen".getBytes(StandardCharsets.US_ASCII), 2048);
  }

  @TempDir private Path folder;

  private interface Filling {
    void fill(TarArchiveOutputStream tar) throws IOException;
  }

  private static byte[] tar(Filling filling) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      filling.fill(tar);
    }
    return bytes.toByteArray();
  }

  private static void file(TarArchiveOutputStream tar, String name) throws IOException {
    var entry = new TarArchiveEntry(name, true);
    entry.setSize(CONTENT.length);
    tar.putArchiveEntry(entry);
    tar.write(CONTENT);
    tar.closeArchiveEntry();
  }

  private static void directory(TarArchiveOutputStream tar, String name) throws IOException {
    tar.putArchiveEntry(new TarArchiveEntry(name, true));
    tar.closeArchiveEntry();
  }

  private static byte[] backup() throws IOException {
    return tar(tar -> {
      directory(tar, "base/");
      file(tar, "base/1/2619");
      file(tar, "PG_VERSION");
      directory(tar, "pg_tblspc/16400/");
      file(tar, "pg_tblspc/16400/PG_17_202406281/5/16401");
    });
  }

  private static long extract(byte[] tar, Path target) throws IOException {
    return DirectoryExtraction.extract(new ByteArrayInputStream(tar), target, _ -> {});
  }

  private List<String> left() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .map(file -> folder.relativize(file).toString())
          .filter(s -> !s.isEmpty())
          .toList();
    }
  }

  @Test
  void filesGoWhereTheyBelongForTheirOwnerOnly() throws IOException {
    Path target = folder.resolve("data");
    assertThat(extract(backup(), target)).isEqualTo(3L * CONTENT.length);
    assertThat(target.resolve("PG_VERSION")).hasBinaryContent(CONTENT);
    assertThat(target.resolve("base/1/2619")).hasBinaryContent(CONTENT);
    for (String name : List.of("", "base", "base/1")) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target.resolve(name))))
          .isEqualTo("rwx------");
    }
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(target.resolve("PG_VERSION"))))
        .isEqualTo("rw-------");
  }

  @Test
  void aTablespaceIsALink() throws IOException {
    Path target = folder.resolve("data");
    extract(backup(), target);
    Path link = target.resolve("pg_tblspc/16400");
    assertThat(link).isSymbolicLink();
    assertThat(Files.readSymbolicLink(link)).isEqualTo(folder.resolve("data.tablespaces/16400"));
    assertThat(folder.resolve("data.tablespaces/16400/PG_17_202406281/5/16401"))
        .hasBinaryContent(CONTENT);
  }

  /// Cut off inside a header, inside a file, between entries and within the end.
  @Test
  void aTarThatBreaksOffAnywhereLeavesNothing() throws IOException {
    byte[] tar = backup();
    int end = tar.length;
    while (end > 0 && tar[end - 1] == 0) {
      end--;
    }
    int complete = (end + 511) / 512 * 512 + 2048 - 512 + 1024;
    for (int length = 0; length < complete; length += length % 512 == 511 ? 1 : 73) {
      byte[] cut = Arrays.copyOf(tar, length);
      assertThatThrownBy(() -> extract(cut, folder.resolve("deep/er/data")))
          .as("%s of %s bytes", length, complete)
          .isInstanceOf(IOException.class);
      assertThat(left()).as("%s of %s bytes", length, complete).isEmpty();
    }
    extract(Arrays.copyOf(tar, complete), folder.resolve("deep/er/data"));
    assertThat(folder.resolve("deep/er/data/PG_VERSION")).exists();
  }

  @Test
  void anEmptyTargetThatWasThereStays() throws IOException {
    Path target = Files.createDirectory(folder.resolve("data"));
    byte[] cut = Arrays.copyOf(backup(), 3000);
    assertThatThrownBy(() -> extract(cut, target)).isInstanceOf(IOException.class);
    assertThat(left()).containsExactly("data");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil",
        "base/../../evil",
        "pg_tblspc/16400/../../evil",
        "base/../../data2/x",
        "pg_tblspc/16400/../16401/evil"
      })
  void anEntryOutsideTheDirectoryIsRefused(String name) throws IOException {
    byte[] tar =
        tar(out -> {
          file(out, "PG_VERSION");
          file(out, name);
        });
    assertThatThrownBy(() -> extract(tar, folder.resolve("data")))
        .isInstanceOf(IOException.class)
        .hasMessage("the backup has an entry outside the directory: " + name);
    assertThat(left()).isEmpty();
  }

  @Test
  void anAbsoluteNameIsRefused() throws IOException {
    byte[] tar = tar(out -> file(out, "/tmp/varve-evil"));
    assertThatThrownBy(() -> extract(tar, folder.resolve("data"))).isInstanceOf(IOException.class);
    assertThat(left()).isEmpty();
    assertThat(Path.of("/tmp/varve-evil")).doesNotExist();
  }

  @Test
  void aLinkIsRefused() throws IOException {
    byte[] tar =
        tar(out -> {
          var entry = new TarArchiveEntry("base/link", TarConstants.LF_SYMLINK);
          entry.setLinkName("/etc/passwd");
          out.putArchiveEntry(entry);
          out.closeArchiveEntry();
        });
    assertThatThrownBy(() -> extract(tar, folder.resolve("data")))
        .hasMessage("the backup has an entry that is no file: base/link");
    assertThat(left()).isEmpty();
  }

  @Test
  void theSameFileTwiceIsRefused() throws IOException {
    byte[] tar =
        tar(out -> {
          file(out, "PG_VERSION");
          file(out, "PG_VERSION");
        });
    assertThatThrownBy(() -> extract(tar, folder.resolve("data"))).isInstanceOf(IOException.class);
    assertThat(left()).isEmpty();
  }

  @Test
  void tablespacesThatAreThereAlreadyAreNotTouched() throws IOException {
    Path precious = Files.createDirectories(folder.resolve("data.tablespaces/16400"));
    assertThatThrownBy(() -> extract(backup(), folder.resolve("data")))
        .isInstanceOf(CliException.class)
        .hasMessageContaining("data.tablespaces is in the way");
    assertThat(precious).exists();
    assertThat(folder.resolve("data")).doesNotExist();
  }
}
