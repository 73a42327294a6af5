package dev.varve.simulation;

/// What a node has whatever its processes: how well it reaches the object store and the authority,
/// and how much room there is on its disk.
final class Line {

  private static final String OUTAGE = "simulated outage";

  private static final double MOST_FAILING = 0.7;

  private final String name;
  private final double failing;
  private final String stubborn;
  private String part = "";
  private long room = Storing.ROOMY;
  private boolean storeAway;
  private boolean authorityAway;
  private boolean calm;
  private Runnable meanwhile = () -> {};

  /// @param name of the node
  /// @param failing what part of all requests fails when nothing is away
  /// @param stubborn those that name this fail more often than not, if any fails
  Line(String name, double failing, String stubborn) {
    this.name = name;
    this.failing = failing;
    this.stubborn = stubborn;
  }

  String name() {
    return name;
  }

  /// Whether a failure with this message came from here.
  static boolean isNamedBy(String message) {
    return message.contains(OUTAGE);
  }

  /// What a request says that fails.
  static String failure(String how, String request) {
    return OUTAGE + ": " + how + ": " + request;
  }

  void setStoreAway(boolean away) {
    storeAway = away;
  }

  void setAuthorityAway(boolean away) {
    authorityAway = away;
  }

  /// Requests that name this fail from now on; empty: none for that.
  void setPartAway(String words) {
    part = words;
  }

  /// So many bytes the disk says that it has. What is written beyond them is, all the same.
  void setRoom(long bytes) {
    room = bytes;
  }

  long room() {
    return room;
  }

  /// Whether requests that name something fail at present.
  boolean isAway(String request) {
    return !part.isEmpty() && request.contains(part);
  }

  boolean isStoreAway() {
    return storeAway;
  }

  boolean isAuthorityAway() {
    return authorityAway;
  }

  /// Whether all goes well from now on.
  void setCalm(boolean isCalm) {
    calm = isCalm;
    if (isCalm) {
      storeAway = false;
      authorityAway = false;
      part = "";
    }
  }

  boolean isCalm() {
    return calm;
  }

  /// Whether every request is answered.
  boolean isWell() {
    return failing() == 0 && !storeAway && !authorityAway && part.isEmpty();
  }

  private double failing() {
    return calm ? 0 : failing;
  }

  /// How likely it is that a request fails.
  double failing(String request) {
    return failing() > 0 && request.contains(stubborn) ? MOST_FAILING : failing();
  }

  /// What others do while a request is under way.
  void meanwhile(Runnable others) {
    meanwhile = others;
  }

  void letOthers() {
    meanwhile.run();
  }
}
