package dev.varve.walreceiver;

import dev.varve.task.Backoff;
import java.time.Duration;

/// How patient a WAL receiver is.
///
/// @param feedback how often the source hears how far we are
/// @param silence after how long without a word from the source the connection counts as lost; at a
///   third of it we ask for one
/// @param backoff between attempts to connect
/// @param blocked between attempts when the source has said that it can't go on
public record ReceiverSettings(
    Duration feedback, Duration silence, Backoff backoff, Duration blocked) {

  public static ReceiverSettings standard() {
    return new ReceiverSettings(
        Duration.ofSeconds(1),
        Duration.ofMinutes(1),
        new Backoff(Duration.ofMillis(100), Duration.ofSeconds(15)),
        Duration.ofSeconds(30));
  }
}
