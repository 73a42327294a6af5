package dev.varve.simulation;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The storage stack with a bug: its own classes, of which some methods are changed when they are
/// loaded.
///
/// @param bug in words
/// @param mutations that make it
record Mutant(String bug, List<Mutation> mutations) {

  static Mutant of(String bug, Mutation... mutations) {
    return new Mutant(bug, List.of(mutations));
  }

  @Override
  public String toString() {
    return bug;
  }

  /// @param type simple name with the module's package before it, such as `layer.LayerFiles`
  /// @param method its name; that of a lambda in it counts, too
  /// @param nth which of the instructions that match, counted from 0; -1: all
  /// @param of how many there must be; anything else means that the code is no longer what the
  ///   mutation was made for
  record Mutation(String type, String method, Edit edit, int nth, int of) {

    String className() {
      return "dev.varve." + type;
    }

    private boolean isIn(MethodModel model) {
      String name = model.methodName().stringValue();
      return name.equals(method) || name.matches("lambda\\$" + Pattern.quote(method) + "\\$\\d+");
    }
  }

  /// Runs a seed in it; gives what was found, or null.
  LongFunction<@Nullable String> load() throws ReflectiveOperationException {
    ClassLoader loader = new Loader(mutations, Mutant.class.getClassLoader());
    Object probe = loader.loadClass(Probe.class.getName()).getDeclaredConstructor().newInstance();
    for (Mutation mutation : mutations) {
      loader.loadClass(mutation.className()); // so that one that does not fit is noticed
    }
    @SuppressWarnings("unchecked")
    var run = (LongFunction<@Nullable String>) probe;
    return run;
  }

  /// Defines the classes of the storage stack and of the simulation anew.
  private static final class Loader extends ClassLoader {

    private static final Pattern OWN =
        Pattern.compile("dev\\.varve\\.(layer|remote|timeline|simulation|testkit|task)\\..*");

    private final List<Mutation> mutations;

    Loader(List<Mutation> mutations, ClassLoader parent) {
      super(parent);
      this.mutations = mutations;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!OWN.matcher(name).matches()) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded == null ? define(name) : loaded;
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      byte[] bytes;
      try (InputStream file = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (file == null) {
          throw new ClassNotFoundException(name);
        }
        bytes = file.readAllBytes();
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
      for (Mutation mutation : mutations) {
        if (mutation.className().equals(name)) {
          bytes = mutated(bytes, mutation);
        }
      }
      return defineClass(name, bytes, 0, bytes.length);
    }

    private byte[] mutated(byte[] bytes, Mutation mutation) {
      ClassFile files =
          ClassFile.of(
              ClassFile.ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing(getParent())
                      .orElse(ClassHierarchyResolver.defaultResolver())));
      ClassModel model = files.parse(bytes);
      Map<String, Integer> first = count(model, mutation);
      ClassTransform transform =
          (type, element) -> {
            if (element instanceof MethodModel method && mutation.isIn(method)) {
              int before = first.getOrDefault(key(method), 0);
              type.transformMethod(
                  method,
                  MethodTransform.transformingCode(
                      CodeTransform.ofStateful(() -> new Editing(mutation, before))));
            } else {
              type.with(element);
            }
          };
      return files.transformClass(model, transform);
    }

    /// How many instructions match in the methods before each.
    private static Map<String, Integer> count(ClassModel model, Mutation mutation) {
      var first = new HashMap<String, Integer>();
      int sum = 0;
      for (MethodModel method : model.methods()) {
        if (mutation.isIn(method)) {
          first.put(key(method), sum);
          Instruction before = null;
          for (CodeElement element : method.code().map(CodeModel::elementList).orElse(List.of())) {
            if (element instanceof Instruction instruction) {
              sum += mutation.edit.matches(before, instruction) ? 1 : 0;
              before = instruction;
            }
          }
        }
      }
      if (sum != mutation.of || mutation.nth >= sum) {
        throw new IllegalStateException(
            "%s.%s has %d places of this kind, not %d"
                .formatted(mutation.type, mutation.method, sum, mutation.of));
      }
      return first;
    }

    private static String key(MethodModel method) {
      return method.methodName().stringValue() + method.methodType().stringValue();
    }
  }

  /// One pass over a method.
  private static final class Editing implements CodeTransform {

    private final Mutation mutation;
    private int found;
    private @Nullable Instruction before;

    Editing(Mutation mutation, int found) {
      this.mutation = mutation;
      this.found = found;
    }

    @Override
    public void accept(CodeBuilder code, CodeElement element) {
      if (!(element instanceof Instruction instruction)) {
        code.with(element);
        return;
      }
      boolean matches = mutation.edit.matches(before, instruction);
      before = instruction;
      boolean chosen = matches && (mutation.nth < 0 || mutation.nth == found);
      found += matches ? 1 : 0;
      if (chosen) {
        mutation.edit.replace(code, instruction);
      } else {
        code.with(instruction);
      }
    }
  }
}
