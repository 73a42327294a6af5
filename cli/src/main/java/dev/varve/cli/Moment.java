package dev.varve.cli;

import dev.varve.model.Lsn;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;

/// What `--at` takes: an LSN, or a time, which means the last commit at or before it.
sealed interface Moment {

  record AtLsn(Lsn lsn) implements Moment {}

  record AtTime(Instant time) implements Moment {}

  /// As PostgreSQL prints a timestamp, or as ISO 8601 has it: date, `T` or a space, time with up to
  /// nine digits of a second, and an offset, which is this machine's time zone where it is missing.
  DateTimeFormatter TIMESTAMP =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .appendPattern("['T'][' ']HH:mm[:ss]")
          .optionalStart()
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
          .optionalEnd()
          .appendPattern("[' '][XXX][X]")
          .toFormatter(java.util.Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);

  static Moment parse(String text) {
    if (text.indexOf('/') >= 0) {
      try {
        return new AtLsn(Lsn.parse(text));
      } catch (IllegalArgumentException e) {
        throw new CliException("--at: " + e.getMessage(), e);
      }
    }
    try {
      TemporalAccessor parsed =
          TIMESTAMP.parseBest(text.strip(), ZonedDateTime::from, LocalDateTime::from);
      return new AtTime(
          parsed instanceof ZonedDateTime zoned
              ? zoned.toInstant()
              : ((LocalDateTime) parsed).atZone(ZoneId.systemDefault()).toInstant());
    } catch (DateTimeException e) {
      throw new CliException(
          "--at takes an LSN such as 0/16B3748 or a time such as \"2026-11-22 14:03:00+01\", not \""
              + text
              + "\"",
          e);
    }
  }

  /// As the API's query parameter.
  default String query() {
    return switch (this) {
      case AtLsn(Lsn lsn) -> "lsn=" + ServerClient.encode(lsn.toString());
      case AtTime(Instant time) -> "timestamp=" + ServerClient.encode(time.toString());
    };
  }
}
