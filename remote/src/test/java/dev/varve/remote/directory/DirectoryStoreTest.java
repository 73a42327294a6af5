package dev.varve.remote.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DirectoryStoreTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ObjectName NAME = new ObjectName("t/a");

  @TempDir private Path directory;

  private static DirectoryStore open(Path root) throws StoreException {
    return DirectoryStore.open(root, InstantSource.system());
  }

  private static ObjectState put(DirectoryStore store, String text)
      throws IOException, InterruptedException {
    return store.put(
        NAME, Content.of(text.getBytes(StandardCharsets.UTF_8)), PutCondition.ALWAYS, LIMIT);
  }

  private static String get(DirectoryStore store) throws IOException, InterruptedException {
    ByteBuffer target = ByteBuffer.allocate(100);
    ObjectState state = store.get(NAME, ByteRange.WHOLE, Sink.to(target), LIMIT);
    return new String(target.array(), 0, (int) state.size(), StandardCharsets.UTF_8);
  }

  private List<String> temporary() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve(".tmp"))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void theBytesOnDisk() throws Exception {
    put(open(directory), "abc");
    byte[] file = Files.readAllBytes(directory.resolve("t/a+v1"));
    assertThat(HexFormat.of().formatHex(file))
        .isEqualTo(
            "616263" // content
                + "0000000000000003" // size
                + "364b3fb7" // CRC-32C
                + "ba7816bf8f01cfea414140de5dae2223" // SHA-256
                + "56415256454f4231" // VARVEOB1
                + "2423e60f"); // CRC-32C of the footer
  }

  @Test
  void theEtagSurvives() throws Exception {
    ObjectState put = put(open(directory), "abc");
    ObjectState head = open(directory).head(NAME, LIMIT);
    assertThat(head).isEqualTo(put);
    assertThat(put(open(directory), "abc").etag()).isEqualTo(head.etag());
  }

  @Test
  void noBitMayFlipUnnoticed() throws Exception {
    DirectoryStore store = open(directory);
    put(store, "abc");
    Path file = directory.resolve("t/a+v1");
    byte[] whole = Files.readAllBytes(file);
    for (int bit = 0; bit < 8 * whole.length; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, flipped);
      assertThatThrownBy(() -> get(store))
          .as("bit %d", bit)
          .isInstanceOf(StoreException.Damaged.class);
    }
  }

  @Test
  void aFileThatIsCutIsNoObject() throws Exception {
    DirectoryStore store = open(directory);
    put(store, "abc");
    Path file = directory.resolve("t/a+v1");
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> get(store))
          .isInstanceOf(StoreException.Damaged.class)
          .hasMessageContaining(file.toString());
      assertThatThrownBy(() -> store.head(NAME, LIMIT)).isInstanceOf(StoreException.Damaged.class);
      assertThat(store.list("", "", 10, LIMIT).objects()).hasSize(1);
    }
    put(store, "new");
    assertThat(get(store)).isEqualTo("new");
  }

  @Test
  void whatIsNotOursIsCountedAndLeftAlone() throws Exception {
    DirectoryStore store = open(directory);
    put(store, "abc");
    Files.writeString(directory.resolve("t/notes.txt"), "by hand");
    Files.writeString(directory.resolve("t/a b+v1"), "by hand");
    var page = store.list("", "", 10, LIMIT);
    assertThat(page.objects()).extracting(ObjectState::name).containsExactly(NAME);
    assertThat(page.foreign()).isEqualTo(2);
    store.delete(List.of(NAME), LIMIT);
    assertThat(directory.resolve("t/notes.txt")).exists();
  }

  @Test
  void emptyDirectoriesGo() throws Exception {
    DirectoryStore store = open(directory);
    put(store, "abc");
    store.delete(List.of(NAME), LIMIT);
    assertThat(directory.resolve("t")).doesNotExist();
    assertThat(directory).exists();
    put(store, "again");
    assertThat(get(store)).isEqualTo("again");
  }

  @Test
  void whatPutsThatDiedLeftIsRemovedWhenItIsOld() throws Exception {
    Instant now = Instant.now();
    put(open(directory), "abc");
    Files.writeString(directory.resolve(".tmp/5-1"), "half");
    DirectoryStore.open(directory, () -> now.plus(Duration.ofHours(23)));
    assertThat(temporary()).containsExactly("5-1");
    DirectoryStore.open(directory, () -> now.plus(Duration.ofHours(25)));
    assertThat(temporary()).isEmpty();
    Files.writeString(directory.resolve(".tmp/5-2"), "half");
    DirectoryStore store = open(directory);
    assertThat(store.removeAbandoned(now.minus(Duration.ofHours(1)), LIMIT)).isZero();
    assertThat(store.removeAbandoned(now.plus(Duration.ofHours(1)), LIMIT)).isEqualTo(1);
    assertThat(get(store)).isEqualTo("abc");
  }

  @Test
  void aPutThatFailsLeavesNothing() throws Exception {
    DirectoryStore store = open(directory);
    put(store, "abc");
    assertThatThrownBy(
            () -> store.put(NAME, Content.of(new byte[10]), PutCondition.IF_ABSENT, LIMIT))
        .isInstanceOf(StoreException.PreconditionFailed.class);
    assertThat(temporary()).isEmpty();
  }

  @Test
  void anInterruptEndsAPut() throws Exception {
    DirectoryStore store = open(directory);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> put(store, "abc")).isInstanceOf(InterruptedException.class);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    put(store, "abc");
    assertThat(get(store)).isEqualTo("abc");
    assertThat(temporary()).isEmpty();
  }

  @Test
  void aDirectoryThatIsAFileIsRefused() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertThatThrownBy(() -> open(file))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void aStoreThatIsGoneIsNotEmpty() throws Exception {
    Path root = directory.resolve("store");
    DirectoryStore store = open(root);
    Files.delete(root.resolve(".tmp"));
    Files.delete(root);
    assertThatThrownBy(() -> store.list("", "", 10, LIMIT))
        .isInstanceOf(StoreException.Unavailable.class);
  }

  /// The power goes at each operation in turn, and what is not synced is lost, or not.
  @Test
  void whatWasPutSurvivesACrashAndNothingElseIsSeen() throws Exception {
    boolean died = true;
    for (int at = 0; died; at++) {
      for (int seed = 0; seed < 20; seed++) {
        var disk = new SimulatedDisk();
        DirectoryStore store = open(disk.root().resolve("store"));
        var done = new ArrayList<String>();
        disk.dieAt(at);
        died = runUntilDeath(store, done);
        SimulatedDisk after = disk.crash(new SplittableRandom(seed));
        requireAsDone(after.root().resolve("store"), done, died);
      }
      assertThat(at).isLessThan(200);
    }
  }

  /// @return whether it died
  private static boolean runUntilDeath(DirectoryStore store, List<String> done)
      throws InterruptedException {
    try {
      put(store, "one");
      done.add("one");
      ObjectState two = put(store, "two");
      done.add("two");
      Content three = Content.of("three".getBytes(StandardCharsets.UTF_8));
      store.put(NAME, three, new PutCondition.IfMatches(two.etag()), LIMIT);
      done.add("three");
      store.delete(List.of(NAME), LIMIT);
      done.add("");
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  /// There is what was last known to be done, or what came after it.
  private static void requireAsDone(Path root, List<String> done, boolean died)
      throws IOException, InterruptedException {
    DirectoryStore store = open(root);
    String found;
    try {
      found = get(store);
    } catch (StoreException.NotFound e) {
      found = "";
    }
    List<String> states = List.of("", "one", "two", "three", "");
    List<String> possible = states.subList(done.size(), Math.min(5, done.size() + (died ? 2 : 1)));
    assertThat(possible).contains(found);
    assertThat(store.list("", "", 10, LIMIT).objects()).hasSize(found.isEmpty() ? 0 : 1);
  }

  /// Each operation fails in turn: it says so, and the object is the old one or the new one.
  @ParameterizedTest
  @EnumSource(DiskFault.class)
  void aDiskThatFailsIsSaid(DiskFault fault) throws Exception {
    boolean failed = true;
    for (int at = 0; failed; at++) {
      var disk = new SimulatedDisk();
      DirectoryStore store = open(disk.root());
      put(store, "old");
      disk.failAt(at, fault);
      failed = false;
      try {
        put(store, "new");
      } catch (StoreException.Unavailable e) {
        failed = true;
        assertThat(e).hasMessageContaining("put of t/a failed");
        assertThat(DiskFault.isNamedBy(e.getMessage())).isTrue();
      }
      disk.heal();
      assertThat(get(store)).isIn(failed ? List.of("old", "new") : List.of("new"));
      put(store, "newest");
      assertThat(get(store)).isEqualTo("newest");
    }
  }

  /// Another process adds to the same number at the same time.
  @Test
  void conditionsHoldAmongProcesses() throws Exception {
    put(open(directory), "0");
    var command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Adder.class.getName(),
            directory.toString());
    var processes = new ArrayList<Process>();
    for (int i = 0; i < 2; i++) {
      processes.add(new ProcessBuilder(command).inheritIO().start());
    }
    for (Process process : processes) {
      assertThat(process.waitFor()).isZero();
    }
    assertThat(get(open(directory))).isEqualTo(String.valueOf(2 * Adder.TIMES));
  }

  /// The other process.
  static final class Adder {

    static final int TIMES = 100;

    private Adder() {}

    public static void main(String[] arguments) throws Exception {
      DirectoryStore store = open(Path.of(arguments[0]));
      for (int done = 0; done < TIMES; ) {
        ObjectState state = store.head(NAME, LIMIT);
        String next = String.valueOf(Integer.parseInt(get(store)) + 1);
        try {
          store.put(
              NAME,
              Content.of(next.getBytes(StandardCharsets.UTF_8)),
              new PutCondition.IfMatches(state.etag()),
              LIMIT);
          done++;
        } catch (StoreException.PreconditionFailed e) {
          TimeUnit.MICROSECONDS.sleep(100);
        }
      }
    }
  }
}
