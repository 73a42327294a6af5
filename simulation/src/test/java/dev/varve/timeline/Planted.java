package dev.varve.timeline;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.util.function.UnaryOperator;

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
