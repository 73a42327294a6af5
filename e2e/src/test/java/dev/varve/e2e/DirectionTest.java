package dev.varve.e2e;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// ARCHITECTURE.md's table of modules is the rule.
class DirectionTest {

  private static final List<String> NONE = List.of();

  private static final Map<String, List<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("model", NONE),
          Map.entry("cluster", List.of("model")),
          Map.entry("postgres", List.of("model")),
          Map.entry("redo", List.of("model", "postgres")),
          Map.entry("task", NONE),
          Map.entry("layer", List.of("model")),
          Map.entry("remote", List.of("model", "task")),
          Map.entry("etcd", List.of("model", "task", "remote")),
          Map.entry("timeline", List.of("model", "task", "layer", "remote")),
          Map.entry("testkit", List.of("model", "postgres", "cluster")),
          Map.entry(
              "simulation", List.of("model", "task", "layer", "remote", "timeline", "testkit")),
          Map.entry("datadir", List.of("model", "postgres", "redo", "timeline")),
          Map.entry("walreceiver", List.of("model", "postgres", "task", "datadir", "timeline")),
          Map.entry(
              "server",
              List.of(
                  "model",
                  "postgres",
                  "redo",
                  "task",
                  "layer",
                  "remote",
                  "etcd",
                  "timeline",
                  "datadir",
                  "walreceiver")),
          Map.entry("verify", List.of("model", "postgres", "redo", "timeline", "datadir")),
          Map.entry(
              "cli",
              List.of(
                  "model",
                  "postgres",
                  "cluster",
                  "task",
                  "remote",
                  "timeline",
                  "simulation",
                  "verify",
                  "walreceiver",
                  "server")));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar")) // another module's tests
          .importPackages("dev.varve");

  @Test
  void modulesKnowOnlyWhomTheyMay() {
    LayeredArchitecture architecture = layeredArchitecture().consideringOnlyDependenciesInLayers();
    for (String module : MAY_USE.keySet()) {
      architecture = architecture.layer(module).definedBy("dev.varve." + module + "..");
    }
    for (var entry : MAY_USE.entrySet()) {
      architecture =
          entry.getValue().isEmpty()
              ? architecture.whereLayer(entry.getKey()).mayNotAccessAnyLayer()
              : architecture
                  .whereLayer(entry.getKey())
                  .mayOnlyAccessLayers(entry.getValue().toArray(String[]::new));
    }
    architecture.check(CLASSES);
  }

  @Test
  void modulesHaveNoCycles() {
    slices().matching("dev.varve.(*)..").should().beFreeOfCycles().check(CLASSES);
  }
}
