package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/// How large files and methods may be, and what they may not be called. The exceptions have a
/// reason each, and their list may only shrink.
class TidyTest {

  private static final int FILE_LINES = 400;
  private static final int METHOD_LINES = 60;

  /// File name to its limit.
  private static final Map<String, Integer> LONGER_FILES = Map.of();

  /// Class and method to its limit.
  private static final Map<String, Integer> LONGER_METHODS = Map.of();

  private static final Pattern FORBIDDEN_NAME =
      Pattern.compile(".*(Util|Utils|Helper|Impl|Manager)");
  private static final List<String> ALLOWED_NAMES = List.of("TaskManager", "ResourceManager");

  private static final Path ROOT = Path.of(System.getProperty("varve.root", ".."));

  @Test
  void filesAreShort() throws IOException {
    var findings = new ArrayList<String>();
    for (Path file : sources()) {
      long lines;
      try (Stream<String> content = Files.lines(file)) {
        lines = content.count();
      }
      int limit = LONGER_FILES.getOrDefault(file.getFileName().toString(), FILE_LINES);
      if (lines > limit) {
        findings.add(file + " has " + lines + " lines; " + limit + " are allowed");
      }
    }
    assertThat(findings).isEmpty();
  }

  @Test
  void methodsAreShortAndNamesSaySomething() throws IOException {
    var findings = new ArrayList<String>();
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      var task =
          (JavacTask)
              compiler.getTask(
                  null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources()));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        unit.accept(new Inspection(unit, positions, findings), null);
      }
    }
    assertThat(findings).isEmpty();
  }

  @Test
  void everyPackageSaysWhatItIsFor() throws IOException {
    List<Path> without =
        sources().stream()
            .filter(file -> file.toString().contains("/src/main/java/"))
            .map(Path::getParent)
            .distinct()
            .filter(folder -> !Files.exists(folder.resolve("package-info.java")))
            .toList();
    assertThat(without).isEmpty();
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(ROOT)) {
      List<Path> sources =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> file.toString().contains("/src/"))
              .sorted()
              .toList();
      assertThat(sources).hasSizeGreaterThan(100);
      return sources;
    }
  }

  private static final class Inspection extends TreeScanner<Void, Void> {

    private final CompilationUnitTree unit;
    private final SourcePositions positions;
    private final List<String> findings;
    private String type = "";

    Inspection(CompilationUnitTree unit, SourcePositions positions, List<String> findings) {
      this.unit = unit;
      this.positions = positions;
      this.findings = findings;
    }

    @Override
    public Void visitClass(ClassTree tree, Void nothing) {
      String outer = type;
      type = tree.getSimpleName().toString();
      if (FORBIDDEN_NAME.matcher(type).matches() && !ALLOWED_NAMES.contains(type)) {
        findings.add(type + " does not say what it is for");
      }
      super.visitClass(tree, null);
      type = outer;
      return null;
    }

    @Override
    public Void visitMethod(MethodTree tree, Void nothing) {
      LineMap lines = unit.getLineMap();
      long length =
          lines.getLineNumber(positions.getEndPosition(unit, tree))
              - lines.getLineNumber(positions.getStartPosition(unit, tree))
              + 1;
      String name = type + "." + tree.getName();
      if (length > LONGER_METHODS.getOrDefault(name, METHOD_LINES)) {
        findings.add(name + " has " + length + " lines");
      }
      return super.visitMethod(tree, null);
    }
  }
}
