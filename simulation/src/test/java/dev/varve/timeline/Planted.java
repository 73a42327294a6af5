package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What planted bugs do in the place of a method of {@link DurableIndex}.
public final class Planted {

  private Planted() {}

  /// A change counts at once, and is on disk with whatever is written next.
  public static void changeInMemory(
      DurableIndex index, String what, UnaryOperator<IndexPart> change) {
    try {
      IndexPart changed = change.apply(index.whole());
      var fields = MethodHandles.privateLookupIn(DurableIndex.class, MethodHandles.lookup());
      fields.findVarHandle(DurableIndex.class, "part", IndexPart.class).set(index, changed);
      fields.findVarHandle(DurableIndex.class, "head", IndexHead.class).set(index, changed.head());
    } catch (ReflectiveOperationException | IOException e) {
      throw new IllegalStateException(what, e);
    }
  }

  /// Nobody is asked.
  public static boolean validated(RemoteTenant tenant) {
    return tenant.isAttached();
  }

  /// The authority is not asked for a generation; there is none but the newest in the store.
  public static Generation attachAsBefore(
      Generations authority, TenantId tenant, Generation newest) {
    return newest;
  }

  /// It is given, whoever was given one before.
  public static Claim attachAnyway(
      Generations authority, TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException {
    return new Claim.Granted(authority.attach(tenant, above));
  }

  /// What was set does not count.
  public static Object otherwise(Optional<?> set, Object otherwise) {
    return otherwise;
  }

  /// A manifest says that nothing is set.
  public static Map<String, String> nothingSet(TenantManifest manifest) {
    return Map.of();
  }

  /// An index part that can't be read is as one that was never put.
  public static @Nullable StoredIndex findReadable(
      RemoteStorage storage, TimelineKey key, Generation highest)
      throws IOException, InterruptedException {
    try {
      return StoredIndex.findNewest(storage, key, highest);
    } catch (UnusableFileException | StoreException.Damaged _) {
      return null;
    }
  }

  /// Layers that the new index part does not name are deleted before it is put.
  public static void deleteAndPut(Uploads uploads, UploadProgress.Taken taken) {
    try {
      var lookup = MethodHandles.privateLookupIn(Uploads.class, MethodHandles.lookup());
      var progress =
          (UploadProgress)
              lookup.findVarHandle(Uploads.class, "progress", UploadProgress.class).get(uploads);
      var tenant =
          (RemoteTenant)
              lookup.findVarHandle(Uploads.class, "tenant", RemoteTenant.class).get(uploads);
      var there =
          (Set<?>)
              MethodHandles.privateLookupIn(UploadProgress.class, MethodHandles.lookup())
                  .findVarHandle(UploadProgress.class, "there", Set.class)
                  .get(progress);
      List<ObjectName> gone = new ArrayList<>();
      if (there != null) {
        Set<RemoteName.LayerFile> named = new HashSet<>();
        taken.part().layers().forEach(entry -> named.add(progress.object(entry)));
        for (Object object : there) {
          if (object instanceof RemoteName.LayerFile file && !named.contains(file)) {
            gone.add(file.object());
          }
        }
      }
      tenant.delete(gone);
      lookup
          .findVirtual(
              Uploads.class, "put", MethodType.methodType(void.class, UploadProgress.Taken.class))
          .invoke(uploads, taken);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /// What is to be done when a change is durable is done before.
  public static void commitTooLate(
      DurableIndex index, String step, UnaryOperator<IndexPart> change, Runnable then)
      throws IOException, InterruptedException {
    then.run();
    index.commit(step, change, () -> {});
  }

  /// The new index part is made before it is this change's turn.
  public static void commitTooEarly(
      DurableIndex index, String step, UnaryOperator<IndexPart> change, Runnable then)
      throws IOException, InterruptedException {
    IndexPart changed = change.apply(index.whole());
    index.commit(step, _ -> changed, then);
  }
}
