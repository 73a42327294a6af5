package dev.varve.postgres.slru;

/// Where on a page of multixact members the member at some offset is.
///
/// A page is 409 groups of four members, 20 bytes each, and 12 bytes that are not used:
///
/// | bytes of the group | field                                                                |
/// |--------------------|----------------------------------------------------------------------|
/// | 0-3                | status of each of the four members: 0 to 3 locks, 4 and 5 changes     |
/// | 4-19               | transaction id of each, `u32`                                         |
///
/// Offsets are unsigned and wrap around. PostgreSQL's `transam/multixact.c`.
public final class MultixactMembers {

  private static final int IN_GROUP = 4;
  private static final int GROUP = 20;

  private MultixactMembers() {}

  private static int group(int offset) {
    return Slru.MULTIXACT_MEMBERS.indexOnPage(offset) / IN_GROUP * GROUP;
  }

  private static int inGroup(int offset) {
    return Slru.MULTIXACT_MEMBERS.indexOnPage(offset) % IN_GROUP;
  }

  /// The byte of the page that is the member's status.
  public static int statusAt(int offset) {
    return group(offset) + inGroup(offset);
  }

  /// The first of the four bytes of the page that are the member's transaction id.
  public static int xidAt(int offset) {
    return group(offset) + IN_GROUP + inGroup(offset) * 4;
  }
}
