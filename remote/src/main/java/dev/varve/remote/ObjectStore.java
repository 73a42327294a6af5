package dev.varve.remote;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// A store of named objects. Each method is one attempt: no implementation tries again by itself,
/// which is the business of {@link RemoteStorage}. Any thread may call any method.
///
/// All methods throw a {@link StoreException} when the store fails, any other {@link IOException}
/// when content can't be read here or a sink can't take the bytes, and {@link InterruptedException}
/// when the calling thread is interrupted; then the operation may have happened or not.
///
/// The time limits are of one attempt, and meant for what is far away: a store on a local disk does
/// not look at them.
public interface ObjectStore extends AutoCloseable {

  /// How many objects are deleted at once at most.
  int MOST_DELETIONS = 1000;

  /// How many objects are listed at once at most.
  int MOST_LISTED = 1000;

  /// Writes a whole object, durably; who reads meanwhile gets the old one or the new one.
  ///
  /// @return as it is now
  ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException, InterruptedException;

  /// Reads bytes of an object into a sink. Where all of them are read, and Varve wrote them, their
  /// checksum is compared.
  ///
  /// @return of the object as it was read
  /// @throws StoreException.NotFound if there is none
  /// @throws StoreException.Damaged if the object ends before the range does, or the checksum
  ///   differs
  ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException, InterruptedException;

  /// @throws StoreException.NotFound if there is no such object
  ObjectState head(ObjectName name, Duration limit) throws IOException, InterruptedException;

  /// Objects whose names begin with `prefix`, from the first after `after` on. What is put or
  /// deleted meanwhile is there or not.
  ///
  /// @param prefix any beginning of a name; empty for all objects
  /// @param after a name, or what {@link ObjectPage#next()} gave; empty to begin
  /// @param most from 1 to {@link #MOST_LISTED}
  ObjectPage list(String prefix, String after, int most, Duration limit)
      throws IOException, InterruptedException;

  /// Deletes objects. Those that are not there count as deleted; when it fails, some may be.
  ///
  /// @param names at most {@link #MOST_DELETIONS}
  void delete(List<ObjectName> names, Duration limit) throws IOException, InterruptedException;

  /// Removes what puts have left that never ended: it takes space, and no list shows it.
  ///
  /// @param before only of puts that began before this, by the store's clock
  /// @return how many; when it is not 0, there may be more
  int removeAbandoned(Instant before, Duration limit) throws IOException, InterruptedException;

  /// What the store is called in messages, such as `s3://bucket/prefix`.
  @Override
  String toString();

  @Override
  void close();
}
