package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What every object store must do.
public abstract class ObjectStoreContract extends ConcurrentUseContract {

  private List<String> names(String prefix, String after, int most)
      throws IOException, InterruptedException {
    return store().list(prefix, after, most, LIMIT).objects().stream()
        .map(state -> state.name().value())
        .toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 1000, 65_536, 3_000_001})
  void whatWasPutIsThere(int size) throws IOException, InterruptedException {
    byte[] bytes = random(size, size);
    Instant before = Instant.now().minusSeconds(60);
    ObjectState put = put("a/b", bytes, PutCondition.ALWAYS);
    ObjectState head = store().head(name("a/b"), LIMIT);
    assertThat(head.size()).isEqualTo(size).isEqualTo(put.size());
    assertThat(head.etag()).isEqualTo(put.etag()).isNotEmpty();
    assertThat(head.crc32c()).hasValue(Content.of(bytes).crc32c(0, size));
    assertThat(head.modified()).isBetween(before, Instant.now().plusSeconds(60));
    assertThat(get("a/b")).isEqualTo(bytes);
  }

  @Test
  void aFileIsPutAndReadIntoAnother() throws IOException, InterruptedException {
    byte[] bytes = random(1_000_000, 1);
    Path file = Files.write(scratch.resolve("from"), bytes);
    store().put(name("layer"), Content.of(file), PutCondition.ALWAYS, LIMIT);
    Path target = scratch.resolve("to");
    try (FileChannel out =
        FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      store().get(name("layer"), ByteRange.WHOLE, Sink.to(out, 0), LIMIT);
    }
    assertThat(target).hasBinaryContent(bytes);
  }

  @Test
  void rangesAreRead() throws IOException, InterruptedException {
    byte[] bytes = random(100_000, 2);
    put("a", bytes, PutCondition.ALWAYS);
    var random = new SplittableRandom(3);
    for (int i = 0; i < 30; i++) {
      int offset = random.nextInt(bytes.length);
      int length = 1 + random.nextInt(bytes.length - offset);
      ByteBuffer target = ByteBuffer.allocateDirect(length + 2).position(1);
      ObjectState state =
          store().get(name("a"), new ByteRange(offset, length), Sink.to(target), LIMIT);
      assertThat(state.size()).isEqualTo(bytes.length);
      ByteBuffer expected = ByteBuffer.wrap(bytes, offset, length);
      assertThat(target.slice(1, length)).isEqualTo(expected);
      assertThat(target.get(0) + target.get(length + 1)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {90, 99, 100, 1000})
  void aRangeBeyondTheEndIsNotCutShort(long offset) throws IOException, InterruptedException {
    put("a", random(100, 4), PutCondition.ALWAYS);
    Sink sink = Sink.to(ByteBuffer.allocate(100));
    var range = new ByteRange(offset, 20);
    assertThatThrownBy(() -> store().get(name("a"), range, sink, LIMIT))
        .isInstanceOf(StoreException.Damaged.class)
        .hasMessageContaining(store().toString());
  }

  @Test
  void whatIsNotThereIsNotFound() throws IOException, InterruptedException {
    put("a/b", "x");
    for (String name : List.of("a", "b", "a/c", "a/b/c")) {
      Sink sink = Sink.to(ByteBuffer.allocate(1));
      assertThatThrownBy(() -> store().get(name(name), ByteRange.WHOLE, sink, LIMIT))
          .isInstanceOf(StoreException.NotFound.class)
          .hasMessageContaining(name)
          .hasMessageContaining(store().toString());
      assertThatThrownBy(() -> store().head(name(name), LIMIT))
          .isInstanceOf(StoreException.NotFound.class)
          .hasMessageContaining(name);
    }
  }

  @Test
  void anotherPutReplaces() throws IOException, InterruptedException {
    ObjectState first = put("a", "one");
    ObjectState second = put("a", "two and more");
    assertThat(second.etag()).isNotEqualTo(first.etag());
    assertThat(get("a")).asString().isEqualTo("two and more");
  }

  @Test
  void ifAbsentPutsOnce() throws IOException, InterruptedException {
    put("a", new byte[] {1}, PutCondition.IF_ABSENT);
    assertThatThrownBy(() -> put("a", new byte[] {2}, PutCondition.IF_ABSENT))
        .isInstanceOf(StoreException.PreconditionFailed.class)
        .hasMessageContaining("a was not replaced");
    assertThat(get("a")).isEqualTo(new byte[] {1});
    store().delete(List.of(name("a")), LIMIT);
    put("a", new byte[] {3}, PutCondition.IF_ABSENT);
    assertThat(get("a")).isEqualTo(new byte[] {3});
  }

  @Test
  void ifMatchesReplacesWhatIsKnown() throws IOException, InterruptedException {
    ObjectState first = put("a", "one");
    ObjectState second =
        put("a", "two".getBytes(StandardCharsets.UTF_8), new PutCondition.IfMatches(first.etag()));
    assertThatThrownBy(() ->
            put(
                "a",
                "three".getBytes(StandardCharsets.UTF_8),
                new PutCondition.IfMatches(first.etag())))
        .isInstanceOf(StoreException.PreconditionFailed.class);
    assertThat(get("a")).asString().isEqualTo("two");
    store().delete(List.of(name("a")), LIMIT);
    assertThatThrownBy(() ->
            put(
                "a",
                "four".getBytes(StandardCharsets.UTF_8),
                new PutCondition.IfMatches(second.etag())))
        .isInstanceOf(StoreException.PreconditionFailed.class);
    assertThatThrownBy(() -> store().head(name("a"), LIMIT))
        .isInstanceOf(StoreException.NotFound.class);
  }

  @Test
  void namesAreListedInOrderAndInPages() throws IOException, InterruptedException {
    var expected = new TreeSet<String>();
    String first = namesMayNest() ? "a" : "a-a";
    for (String name :
        List.of(
            first, "a-b", "a.c", "a/x", "a/y/z", "a/y-z", "a0", "a_b", "aa/b", "B", "b/c/d/e")) {
      put(name, name);
      expected.add(name);
    }
    for (int most : new int[] {1, 2, 3, 1000}) {
      var found = new ArrayList<String>();
      String after = "";
      while (after != null) {
        ObjectPage page = store().list("", after, most, LIMIT);
        assertThat(page.objects()).hasSizeLessThanOrEqualTo(most);
        page.objects().forEach(state -> found.add(state.name().value()));
        after = page.next();
      }
      assertThat(found).as("pages of %d", most).containsExactlyElementsOf(expected);
    }
    assertThat(names("a/", "", 1000)).containsExactly("a/x", "a/y-z", "a/y/z");
    assertThat(names("a/y", "a/y-z", 1000)).containsExactly("a/y/z");
    assertThat(names("a", "", 2)).containsExactly(first, "a-b");
    assertThat(names("", "a/xx", 1000)).startsWith("a/y-z");
    assertThat(names("a/y/z/", "", 1000)).isEmpty();
    assertThat(names("nothing", "", 1000)).isEmpty();
  }

  @Test
  void aListSaysSizeAndEtag() throws IOException, InterruptedException {
    ObjectState put = put("a", random(12_345, 5), PutCondition.ALWAYS);
    ObjectState listed = store().list("", "", 10, LIMIT).objects().getFirst();
    assertThat(listed.size()).isEqualTo(12_345);
    assertThat(listed.etag()).isEqualTo(put.etag());
    assertThat(listed.crc32c()).isEmpty();
  }

  @Test
  void manyAreDeletedAtOnceAlsoThoseThatAreNotThere() throws IOException, InterruptedException {
    var names = new ArrayList<ObjectName>();
    for (int i = 0; i < 20; i++) {
      put("d/" + i, "x");
      names.add(name("d/" + i));
    }
    put("e", "stays");
    names.add(name("d/never"));
    names.add(name("nor/this"));
    store().delete(names, LIMIT);
    assertThat(names("", "", 1000)).containsExactly("e");
    store().delete(names, LIMIT);
    store().delete(List.of(), LIMIT);
    assertThat(get("e")).asString().isEqualTo("stays");
  }

  @Test
  void whatIsTooMuchAtOnceIsAMistake() {
    var names = new ArrayList<ObjectName>();
    for (int i = 0; i <= ObjectStore.MOST_DELETIONS; i++) {
      names.add(name("n" + i));
    }
    assertThatThrownBy(() -> store().delete(names, LIMIT))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store().list("", "", 1001, LIMIT))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSinkThatFailsIsNoFailureOfTheStore() throws IOException, InterruptedException {
    put("a", random(200_000, 6), PutCondition.ALWAYS);
    Sink full =
        (position, _) -> {
          if (position > 0) {
            throw new IOException("no space left on this device");
          }
        };
    assertThatThrownBy(() -> store().get(name("a"), ByteRange.WHOLE, full, LIMIT))
        .isNotInstanceOf(StoreException.class)
        .isInstanceOf(IOException.class)
        .hasMessage("no space left on this device");
    assertThat(get("a")).hasSize(200_000);
  }

  @Test
  void contentThatIsGoneIsNoFailureOfTheStore() throws IOException {
    Path file = Files.write(scratch.resolve("gone"), random(10, 7));
    Content content = Content.of(file);
    Files.delete(file);
    assertThatThrownBy(() -> store().put(name("a"), content, PutCondition.ALWAYS, LIMIT))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> store().head(name("a"), LIMIT))
        .isInstanceOf(StoreException.NotFound.class);
  }

  @Test
  void aFileThatShrinksIsNotPutShorter() throws IOException {
    Path file = Files.write(scratch.resolve("shrinks"), random(100_000, 8));
    Content content = Content.of(file);
    Files.write(file, random(50_000, 8));
    assertThatThrownBy(() -> store().put(name("a"), content, PutCondition.ALWAYS, LIMIT))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(StoreException.class)
        .hasMessageContaining("shrinks");
    assertThatThrownBy(() -> store().head(name("a"), LIMIT))
        .isInstanceOf(StoreException.NotFound.class);
  }

  @Test
  void nothingIsAbandonedByPutsThatEnded() throws IOException, InterruptedException {
    put("a", random(6_000_000, 9), PutCondition.ALWAYS);
    assertThat(store().removeAbandoned(Instant.now().plusSeconds(3600), LIMIT)).isZero();
    assertThat(get("a")).hasSize(6_000_000);
  }
}
