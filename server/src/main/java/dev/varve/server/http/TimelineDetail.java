package dev.varve.server.http;

import dev.varve.datadir.CommitTime;
import dev.varve.datadir.CommitTimes;
import dev.varve.model.PageserverException;
import dev.varve.timeline.LayerCount;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.databind.node.ObjectNode;

/// What is not in memory of a timeline: where its layers are, and when what was committed. That
/// wakes it, and may need layers that are in the object store only, so nobody gets it who has not
/// asked for it. Any thread may call any method.
final class TimelineDetail {

  /// One of a timeline at a time, however many ask. A read that the object store does not answer
  /// ends by itself, later than whoever has asked waits.
  private final Map<Timeline, CompletableFuture<Commits>> readings = new ConcurrentHashMap<>();

  private record Commits(Optional<CommitTime> first, Optional<CommitTime> last) {}

  /// @param limit how long the reads may take
  ObjectNode of(Timeline timeline, Duration limit) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.putNull("first_commit_time").putNull("last_commit_time");
    switch (timeline.state()) {
      case TimelineState.Active _, TimelineState.Failing _ -> {
        try {
          TimelineJson.byState(LayerCount.waking(timeline), json);
          commitTimes(timeline, limit, json);
        } catch (PageserverException e) {
          json.put("commit_time_error", e.getMessage());
        }
      }
      case TimelineState.Importing _,
          TimelineState.Broken _,
          TimelineState.Lost _,
          TimelineState.Stopped _,
          TimelineState.Deleting _ ->
          json.put("commit_time_error", "the timeline is " + timeline.state().word());
    }
    return json;
  }

  private void commitTimes(Timeline timeline, Duration limit, ObjectNode json) {
    CompletableFuture<Commits> reading =
        readings.computeIfAbsent(
            timeline,
            _ ->
                CompletableFuture.supplyAsync(
                    () -> read(timeline),
                    Thread.ofVirtual().name("read commit times of " + timeline.name())::start));
    CompletableFuture<Commits> _ =
        reading.whenComplete((_, _) -> readings.remove(timeline, reading));
    try {
      Commits commits = reading.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      commits.first().ifPresent(commit -> json.put("first_commit_time", commit.time().toString()));
      commits.last().ifPresent(commit -> json.put("last_commit_time", commit.time().toString()));
    } catch (TimeoutException _) {
      json.put(
          "commit_time_error",
          "they could not be read within %d ms; is the object store there, which has layers that are not here?"
              .formatted(limit.toMillis()));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable("the server stops");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof PageserverException reason) {
        throw reason;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static Commits read(Timeline timeline) {
    var found = new Commits[1];
    timeline.glance(() -> {
      var times = new CommitTimes(timeline);
      found[0] = new Commits(times.first(), times.last());
    });
    return found[0];
  }
}
