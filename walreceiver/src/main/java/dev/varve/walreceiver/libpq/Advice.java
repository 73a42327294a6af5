package dev.varve.walreceiver.libpq;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What to do about an error of PostgreSQL, by its SQLSTATE; the server's words are looked at only
/// where one code has several causes, and may be in another language: then there is no advice.
final class Advice {

  private Advice() {}

  static Optional<String> of(String sqlState, String message) {
    return Optional.ofNullable(
        switch (sqlState) {
          case "28P01" -> "check user and password";
          case "28000" ->
              message.contains("pg_hba.conf")
                  ? "add a line for this user and host to pg_hba.conf, with the database"
                      + " \"replication\" for replication connections, and reload the server"
                  : "check the user's name and that it may log in";
          case "42501" ->
              message.contains("replication") || message.contains("WAL sender")
                  ? "run ALTER ROLE … REPLICATION for this user"
                  : "grant this user the right, or connect as another";
          case "3D000" -> "name a database that exists, with dbname=";
          case "53300" ->
              message.contains("(currently 0)")
                  ? "set wal_level = replica and max_wal_senders = 10 and restart the server"
                  : "raise max_wal_senders or max_connections, or end other clients";
          case "53400" ->
              message.contains("replication slots")
                  ? "drop a slot that nobody uses, or raise max_replication_slots"
                  : null;
          case "55000" -> slots(message);
          case "55006" ->
              message.contains("slot") ? "end the other client that uses the slot" : null;
          case "58P01" ->
              message.contains("WAL segment")
                  ? "the source no longer has the WAL: import again"
                  : null;
          case "57P03" -> "wait until the server has started";
          default -> null;
        });
  }

  private static @Nullable String slots(String message) {
    if (message.contains("wal_level")) {
      return "set wal_level = replica and restart the server";
    }
    if (message.contains("max_replication_slots")) {
      return "set max_replication_slots = 10 and restart the server";
    }
    if (message.contains("nvalidated") || message.contains("no longer")) {
      return "the source dropped the slot's WAL (max_slot_wal_keep_size): import again";
    }
    return null;
  }
}
