package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// Help, and what the command line itself refuses.
class HelpTest {

  static List<String> commands() {
    List<String> paths = List.copyOf(all().keySet());
    assertThat(paths).contains("", "serve", "import", "wal stats", "simulate", "demo");
    return paths;
  }

  private static Map<String, CommandLine> all() {
    var found = new LinkedHashMap<String, CommandLine>();
    collect("", Main.commandLine(), found);
    return found;
  }

  private static void collect(String path, CommandLine command, Map<String, CommandLine> found) {
    found.put(path, command);
    command
        .getSubcommands()
        .forEach((name, sub) -> {
          if (!name.equals("help")) {
            collect((path + " " + name).strip(), sub, found);
          }
        });
  }

  private static String[] words(String line) {
    return line.isBlank() ? new String[0] : line.strip().split(" ", -1);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpListsEveryOptionWithADescription(String path) {
    CommandRun run = CommandRun.of(words(path + " --help")).worked();
    assertThat(run.err()).isEmpty();
    var spec = Objects.requireNonNull(all().get(path)).getCommandSpec();
    assertThat(spec.usageMessage().description()).isNotEmpty();
    for (OptionSpec option : spec.options()) {
      assertThat(run.out()).contains(option.longestName());
      assertThat(option.description()).as(option.longestName()).isNotEmpty();
    }
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      assertThat(run.out()).contains(parameter.paramLabel());
      assertThat(parameter.description()).as(parameter.paramLabel()).isNotEmpty();
    }
    assertThat(run.out().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThan(101));
  }

  /// Each text of a description is a paragraph, which picocli breaks into lines; the list of
  /// commands shows the first of each.
  @ParameterizedTest
  @MethodSource("commands")
  void everyParagraphIsWhole(String path) {
    var spec = Objects.requireNonNull(all().get(path)).getCommandSpec();
    List<String> paragraphs = new ArrayList<>(List.of(spec.usageMessage().description()));
    if (!path.isEmpty()) {
      assertThat(paragraphs.getFirst()).hasSizeLessThan(88);
    }
    spec.args().forEach(arg -> paragraphs.addAll(List.of(arg.description())));
    assertThat(paragraphs).allSatisfy(text -> assertThat(text).containsPattern("[.)](%n)?$"));
  }

  @Test
  void helpOfTheWholeListsTheCommands() {
    String help = CommandRun.of("--help").worked().out();
    assertThat(commands())
        .allSatisfy(path -> assertThat(help).contains(path.replaceFirst(" .*", "")));
    assertThat(CommandRun.of("help", "import").worked().out()).contains("--from");
    assertThat(CommandRun.of("--version").worked().out()).isEqualTo("varve 0.1.0\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | which command? varve --help lists them",
        "wal | varve wal what? varve wal stats FILE...",
        "brew | brew",
        "list --nonsense | --nonsense",
        "list too many | too",
        "show | NAME",
        "stop | NAME",
        "start | NAME",
        "retry | NAME",
        "follow production | --from",
        "configure | TENANT",
        "configure 01 --pitr-interval 7d --reset | --reset",
        "follow --from host=a | NAME",
        "serve --metrics-timelines many | many",
        "wait production | --lsn",
        "wait production --lsn 0/8 --timeout soon | soon",
        "branch production | NEW",
        "restore production | --to",
        "page production 1663/5/1259 | BLOCK",
        "import --name x | --from",
        "import --name x --wal archive | --tar",
        "import --from host=a | --name",
        "import --from host=a --tar b --wal c --name x | --from",
        "wal stats | FILE",
        "demo --clients many | many",
        "simulate --seeds 0 | seed",
      })
  void aWrongCommandLineIsCode2WithAHint(String line, String finding) {
    CommandRun run = CommandRun.of(words(line));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains(finding).containsPattern("Usage: varve|Did you mean");
  }

  @Test
  void serveAndDemoNeedTheLauncher() {
    CommandRun.of("serve").refused("start the server with the varve launcher");
    CommandRun.of("serve", "--http", "nowhere").refused("start the server with the varve launcher");
  }
}
