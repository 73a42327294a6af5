package dev.varve.timeline;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// What was set for one tenant, and holds for it in the place of what its server's settings say:
/// texts by key, as its `tenant.json` and its manifest have them.
///
/// | key             | text                                                                     |
/// |-----------------|--------------------------------------------------------------------------|
/// | `pitr_interval` | how far back every moment can be read, see {@link RetentionSettings#interval} |
///
/// Keys that a newer version has set are kept, and without effect.
public record TenantConfiguration(Map<String, String> texts) {

  public static final String PITR_INTERVAL = "pitr_interval";

  /// Nothing was set.
  public static final TenantConfiguration NONE = new TenantConfiguration(Map.of());

  private static final Set<String> KEYS = Set.of(PITR_INTERVAL);

  public TenantConfiguration {
    texts = Map.copyOf(texts);
  }

  /// What somebody wants in the place of this. Keys that are unknown here stay as they are: nobody
  /// who speaks to this version can have set them.
  ///
  /// @throws IllegalArgumentException with a sentence, when a key is unknown, or a text is none
  ///   that its key takes
  TenantConfiguration replacedBy(Map<String, String> wanted) {
    Map<String, String> all = new HashMap<>(wanted);
    for (String key : unknownKeys()) {
      all.put(key, texts.getOrDefault(key, ""));
    }
    var made = new TenantConfiguration(all);
    for (Map.Entry<String, String> entry : wanted.entrySet()) {
      String key = entry.getKey();
      if (!KEYS.contains(key) && !entry.getValue().equals(texts.get(key))) {
        throw new IllegalArgumentException(
            "a tenant has no setting \"%s\"; it has %s"
                .formatted(key, String.join(", ", new TreeSet<>(KEYS))));
      }
    }
    made.requireReadable();
    return made;
  }

  /// @throws IllegalArgumentException with a sentence, when a text is none that its key takes
  void requireReadable() {
    pitrInterval();
  }

  /// Those that this version knows nothing of.
  Set<String> unknownKeys() {
    var unknown = new TreeSet<>(texts.keySet());
    unknown.removeAll(KEYS);
    return unknown;
  }

  /// How far back every moment can be read; empty: as the server's settings say.
  ///
  /// @throws IllegalArgumentException when a newer version has set what can't be read here
  public Optional<Duration> pitrInterval() {
    return Optional.ofNullable(texts.get(PITR_INTERVAL)).map(TenantConfiguration::interval);
  }

  private static Duration interval(String text) {
    try {
      return RetentionSettings.interval(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(PITR_INTERVAL + ": " + e.getMessage(), e);
    }
  }
}
