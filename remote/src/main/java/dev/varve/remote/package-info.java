/// Object stores: where layers and index parts are kept for good.
///
/// ```
/// RemoteStorage = ObjectStore RemoteLimits     what the rest of the server uses: it retries,
///                                              limits, puts in order of urgency, counts
/// ObjectStore   = DirectoryStore | S3Store     one attempt of one operation
/// StoreAddress  = Directory | S3               where a store is: file:///… or s3://…
/// ObjectStore's operations: put get head list delete
/// put           = ObjectName Content PutCondition -> ObjectState
/// get           = ObjectName ByteRange Sink -> ObjectState
/// StoreException = NotFound | PreconditionFailed | Refused | Damaged | Throttled | Unavailable
/// ```
///
/// An object is written whole and read in ranges. Whatever Varve writes carries the CRC-32C of its
/// content; who reads an object whole has it checked.
///
/// This package knows nothing of layers or timelines: names are names, content is bytes.
@NullMarked
package dev.varve.remote;

import org.jspecify.annotations.NullMarked;
