package dev.varve.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// What can be done with WAL files alone, without a server.
@Command(
    name = "wal",
    description = "Look into WAL segment files; needs no server.",
    mixinStandardHelpOptions = true,
    subcommands = {WalStatsCommand.class, WalVerifyCommand.class})
final class WalCommand implements Runnable {

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "varve wal what? varve wal stats FILE..., or varve wal verify --base DIR --wal DIR");
  }
}
