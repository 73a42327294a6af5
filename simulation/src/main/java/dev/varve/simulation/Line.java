package dev.varve.simulation;

/// How well a node reaches the object store and the authority: whatever processes it has.
final class Line {

  private static final String OUTAGE = "simulated outage";

  private static final double MOST_FAILING = 0.7;

  private final String name;
  private final double failing;
  private final String stubborn;
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
    }
  }

  boolean isCalm() {
    return calm;
  }

  /// Whether every request is answered.
  boolean isWell() {
    return failing() == 0 && !storeAway && !authorityAway;
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
