package dev.varve.simulation;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/// Which seed found which planted bug last: a line each, the seed, a space, the bug in words. What
/// the simulation does in a seed changes with the simulation and with what it simulates; then
/// another seed may be the first that finds a bug.
final class PlantedBugs {

  private static final String FILE = "planted-bugs.txt";

  private final Map<String, Long> seeds;

  private PlantedBugs(Map<String, Long> seeds) {
    this.seeds = seeds;
  }

  static PlantedBugs read() throws IOException {
    var seeds = new LinkedHashMap<String, Long>();
    try (InputStream file = PlantedBugs.class.getResourceAsStream("/" + FILE)) {
      if (file == null) {
        throw new IOException("there is no " + FILE);
      }
      String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : text.lines().toList()) {
        int space = line.indexOf(' ');
        seeds.put(line.substring(space + 1), Long.valueOf(line.substring(0, space)));
      }
    }
    return new PlantedBugs(seeds);
  }

  /// Those that have a line.
  Set<String> bugs() {
    return seeds.keySet();
  }

  OptionalLong seed(String bug) {
    Long seed = seeds.get(bug);
    return seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
  }

  /// Writes what was found now, to be put in the place of what was read.
  ///
  /// @return where it was written
  static Path write(Map<String, Long> found) throws IOException {
    Path file = Path.of("target", FILE);
    Files.createDirectories(file.toAbsolutePath().getParent());
    String text =
        found.entrySet().stream()
            .map(each -> each.getValue() + " " + each.getKey() + "\n")
            .collect(Collectors.joining());
    return Files.writeString(file, text);
  }
}
