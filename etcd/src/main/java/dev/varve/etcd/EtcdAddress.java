package dev.varve.etcd;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Where etcd is, and how to be let in:
/// `etcd://host:2379,host:2379/prefix?ca=PATH&cert=PATH&key=PATH&user=NAME&password-file=PATH`, or
/// `etcds://…` for TLS. Without `ca` it trusts what Java trusts. A password is in a file, so that
/// the address can be shown.
///
/// @param endpoints of the members of one cluster
/// @param prefix begins all keys; begins with `/` and does not end with one
public record EtcdAddress(List<URI> endpoints, String prefix, Access access) {

  /// @param tls whether connections are encrypted
  /// @param authorities certificates that are trusted, PEM
  /// @param certificate this node's, PEM, if the server asks for one; then there is a `key`, PKCS
  ///   #8
  /// @param user if etcd has users; then there is a `passwordFile`
  public record Access(
      boolean tls,
      @Nullable Path authorities,
      @Nullable Path certificate,
      @Nullable Path key,
      @Nullable String user,
      @Nullable Path passwordFile) {

    public Access {
      if ((certificate == null) != (key == null)) {
        throw new IllegalArgumentException(
            "a certificate needs its key, and a key its certificate");
      }
      if ((user == null) != (passwordFile == null)) {
        throw new IllegalArgumentException("a user needs a password-file, and that a user");
      }
      if (!tls && (authorities != null || certificate != null)) {
        throw new IllegalArgumentException("ca, cert and key are for etcds://");
      }
    }
  }

  private static final String DEFAULT_PREFIX = "/varve";
  private static final int DEFAULT_PORT = 2379;

  public EtcdAddress {
    endpoints = List.copyOf(endpoints);
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("there is no endpoint");
    }
    if (!prefix.matches("(/[A-Za-z0-9._-]{1,100}){1,8}")) {
      throw new IllegalArgumentException("\"" + prefix + "\" is no prefix such as /varve");
    }
  }

  /// @throws IllegalArgumentException with a sentence that says what is wrong with the text
  public static EtcdAddress parse(String text) {
    try {
      boolean tls = text.startsWith("etcds://");
      if (!tls && !text.startsWith("etcd://")) {
        throw new IllegalArgumentException("it begins with neither etcd:// nor etcds://");
      }
      String rest = text.substring(text.indexOf("://") + 3);
      int question = rest.indexOf('?');
      Map<String, String> options = options(question < 0 ? "" : rest.substring(question + 1));
      String place = question < 0 ? rest : rest.substring(0, question);
      int slash = place.indexOf('/');
      String hosts = slash < 0 ? place : place.substring(0, slash);
      String prefix = slash < 0 || slash == place.length() - 1 ? "" : place.substring(slash);
      var access =
          new Access(
              tls,
              path(options.remove("ca")),
              path(options.remove("cert")),
              path(options.remove("key")),
              options.remove("user"),
              path(options.remove("password-file")));
      if (!options.isEmpty()) {
        throw new IllegalArgumentException(
            "there is no option " + options.keySet().iterator().next());
      }
      return new EtcdAddress(
          endpoints(tls, hosts), prefix.isEmpty() ? DEFAULT_PREFIX : prefix, access);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is no address of etcd: " + e.getMessage(), e);
    }
  }

  private static List<URI> endpoints(boolean tls, String hosts) {
    var endpoints = new ArrayList<URI>();
    for (String host : hosts.split(",", -1)) {
      if (!host.matches("([A-Za-z0-9.-]{1,253}|\\[[0-9a-fA-F:.]{2,45}])(:[0-9]{1,5})?")) {
        throw new IllegalArgumentException("\"" + host + "\" is no host:port");
      }
      var endpoint = URI.create((tls ? "https://" : "http://") + host);
      endpoints.add(endpoint.getPort() >= 0 ? endpoint : URI.create(endpoint + ":" + DEFAULT_PORT));
    }
    return endpoints;
  }

  private static @Nullable Path path(@Nullable String text) {
    return text == null ? null : Path.of(text);
  }

  private static Map<String, String> options(String query) {
    var options = new LinkedHashMap<String, String>();
    for (String option : query.isEmpty() ? new String[0] : query.split("&", -1)) {
      int equals = option.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("\"" + option + "\" is no option=value");
      }
      String value = URLDecoder.decode(option.substring(equals + 1), StandardCharsets.UTF_8);
      if (options.put(option.substring(0, equals), value) != null) {
        throw new IllegalArgumentException(option.substring(0, equals) + " is given twice");
      }
    }
    return options;
  }

  /// As it may be shown: where etcd is.
  @Override
  public String toString() {
    return "etcd " + endpoints + prefix;
  }
}
