package dev.varve.cli;

import dev.varve.model.PageserverException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The `varve` command.
///
/// Exit codes: 0 done; 1 not done, and standard error says why in one sentence; 2 the command line
/// itself is wrong.
@Command(
    name = "varve",
    version = "varve 0.1.0",
    mixinStandardHelpOptions = true,
    description =
        "A pageserver for PostgreSQL: keeps every version of every page of a running server, "
            + "and from that gives any page at any LSN, branches in milliseconds, and restore to "
            + "any moment.%n",
    footer = {
      "",
      "Also: varve test passes this source tree's tests; varve bench runs its benchmarks.",
      "A first look, with nothing installed: varve demo"
    },
    subcommands = {
      ServeCommand.class,
      ImportCommand.class,
      ListCommand.class,
      ShowCommand.class,
      FollowCommand.class,
      WaitCommand.class,
      BranchCommand.class,
      RestoreCommand.class,
      PageCommand.class,
      StopCommand.class,
      StartCommand.class,
      RetryCommand.class,
      DeleteCommand.class,
      ConfigureCommand.class,
      UploadCommand.class,
      DownloadCommand.class,
      AttachCommand.class,
      DetachCommand.class,
      ScrubCommand.class,
      WalCommand.class,
      DemoCommand.class,
      SimulateCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Main implements Runnable {

  /// Columns: a command's description has lines of almost as many.
  private static final int HELP_WIDTH = 100;

  @Spec private CommandSpec spec;

  /// Runs one command and ends the process with its exit code.
  public static void main(String[] args) {
    int code = commandLine().execute(args);
    // Never System.exit from inside a command: a server's own shutdown would wait for itself.
    System.exit(code);
  }

  /// The command line as an object, which runs commands inside this process.
  public static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpWidth(HELP_WIDTH)
        .setExecutionExceptionHandler((failure, command, _) -> {
          PrintWriter err = command.getErr();
          err.println("varve: " + sentence(failure));
          if (isOurMistake(failure)) {
            failure.printStackTrace(err);
          }
          err.flush();
          return 1;
        });
  }

  /// What no person at the terminal can have caused: its trace is for whoever mends it.
  private static boolean isOurMistake(Exception failure) {
    return failure instanceof RuntimeException
        && !(failure instanceof CliException)
        && !(failure instanceof PageserverException);
  }

  private static String sentence(Throwable failure) {
    String message = failure.getMessage();
    return switch (failure) {
      // Their message is the file alone.
      case NoSuchFileException e -> "there is no file or folder " + e.getFile();
      case FileAlreadyExistsException e -> e.getFile() + " is in the way: it exists already";
      case AccessDeniedException e -> "no permission to read or write " + e.getFile();
      default -> message == null ? failure.toString() : message;
    };
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command? varve --help lists them");
  }
}
