package dev.varve.remote.generation;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/// The authority of a node that is alone: a file beside its data, which only one process has open.
///
/// The file is text: a line that says what it is, a line with id and generation for each tenant, in
/// order of ids, and a line with the CRC-32C of what is before it. It is replaced whole and durably
/// at each attach.
///
/// ```
/// varve generations 1
/// 0123456789abcdef0123456789abcdef 00000003
/// crc32c 8f63e8b1
/// ```
///
/// One lock guards all.
public final class FileGenerations implements Generations {

  private static final String HEADER = "varve generations 1";
  private static final String CHECKSUM = "crc32c ";

  /// Some 400,000 tenants.
  private static final long MOST_BYTES = 16 << 20;

  private final Path file;
  private Map<String, Generation> known;

  private FileGenerations(Path file, Map<String, Generation> known) {
    this.file = file;
    this.known = known;
  }

  /// @param file need not be there
  public static FileGenerations open(Path file) throws StoreException {
    Path absolute = file.toAbsolutePath();
    return new FileGenerations(absolute, read(absolute));
  }

  private static Map<String, Generation> read(Path file) throws StoreException {
    String text;
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw damaged(file, "it has more than " + MOST_BYTES + " bytes");
      }
      text = Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return new TreeMap<>();
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreException.Unavailable(file + " can't be read: " + e, e);
    }
    int end = text.lastIndexOf(CHECKSUM);
    if (end < 0 || !text.substring(end).equals(checksum(text.substring(0, end)))) {
      throw damaged(file, "its checksum differs");
    }
    if (!text.startsWith(HEADER + "\n")) {
      throw damaged(file, "it does not begin with \"" + HEADER + "\": another version wrote it");
    }
    var known = new TreeMap<String, Generation>();
    for (String line : text.substring(HEADER.length() + 1, end).lines().toList()) {
      if (!line.matches("[0-9a-f]{32} [0-9a-f]{8}")) {
        throw damaged(file, "it has the line \"" + line + "\"");
      }
      known.put(line.substring(0, 32), Generation.parse(line.substring(33)));
    }
    return known;
  }

  private static StoreException damaged(Path file, String finding) {
    return new StoreException.Damaged(
        file
            + " is damaged: "
            + finding
            + "; remove it if no other node has these tenants: their objects tell the generations");
  }

  private static String checksum(String text) {
    var crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.ISO_8859_1));
    return String.format(Locale.ROOT, "%s%08x%n", CHECKSUM, crc.getValue()).replace("\r", "");
  }

  @Override
  public synchronized Generation attach(TenantId tenant, Generation above)
      throws StoreException, InterruptedException {
    String id = tenant.toString();
    Generation given = Generation.max(newest(tenant), above).next();
    var changed = new TreeMap<>(known);
    changed.put(id, given);
    try {
      write(changed);
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // said by the exception from here on
      throw new InterruptedException();
    } catch (IOException e) {
      throw new StoreException.Unavailable(
          "tenant " + tenant + " gets no generation: " + file + " can't be written: " + e, e);
    } finally {
      known = changed; // also if it may have been written: that one is used up
    }
    return given;
  }

  private Generation newest(TenantId tenant) {
    return known.getOrDefault(tenant.toString(), Generation.NONE);
  }

  @Override
  public synchronized Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException {
    Generation newest = newest(tenant);
    return newest.equals(expected)
        ? new Claim.Granted(attach(tenant, above))
        : new Claim.Outdated(newest, Optional.empty());
  }

  private void write(Map<String, Generation> generations) throws IOException {
    var text = new StringBuilder(HEADER).append('\n');
    generations.forEach((id, given) -> text.append(id).append(' ').append(given).append('\n'));
    text.append(checksum(text.toString()));
    Path temporary = file.resolveSibling(file.getFileName() + ".new");
    try (FileChannel out =
        FileChannel.open(
            temporary,
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.ISO_8859_1));
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      out.force(true);
    }
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Path directory = file.getParent();
    if (directory != null) {
      try (FileChannel names = FileChannel.open(directory)) {
        names.force(true);
      }
    }
  }

  @Override
  public synchronized Map<TenantId, Generation> newest(Collection<TenantId> tenants) {
    var newest = new HashMap<TenantId, Generation>();
    tenants.forEach(tenant -> newest.put(tenant, newest(tenant)));
    return newest;
  }

  /// Holds nothing open.
  @Override
  public void close() {}
}
