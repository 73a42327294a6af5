package dev.varve.timeline;

/// The counters of {@link TimelineMetrics}, which says what they mean, at one moment. They only
/// grow.
public record TimelineCounts(
    long bytesIngested,
    long bytesFlushed,
    long bytesCompacted,
    long bytesRead,
    long bytesUploaded,
    long pagesRead,
    long layersVisited,
    long changesApplied,
    long readFailures,
    long slowedTimes,
    long slowedNanos,
    long stoppedTimes,
    long stoppedNanos) {

  public static final TimelineCounts NONE =
      new TimelineCounts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  public TimelineCounts plus(TimelineCounts that) {
    return new TimelineCounts(
        bytesIngested + that.bytesIngested,
        bytesFlushed + that.bytesFlushed,
        bytesCompacted + that.bytesCompacted,
        bytesRead + that.bytesRead,
        bytesUploaded + that.bytesUploaded,
        pagesRead + that.pagesRead,
        layersVisited + that.layersVisited,
        changesApplied + that.changesApplied,
        readFailures + that.readFailures,
        slowedTimes + that.slowedTimes,
        slowedNanos + that.slowedNanos,
        stoppedTimes + that.stoppedTimes,
        stoppedNanos + that.stoppedNanos);
  }
}
