package dev.varve.remote;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Where an object store is: `file:///path` or
/// `s3://bucket/prefix?endpoint=https://host:port&region=name&path-style=true`.
///
/// Credentials are no part of it, so it can be shown: the AWS SDK finds them where it usually does.
public sealed interface StoreAddress {

  /// A directory on this machine, or mounted on it.
  record Directory(Path path) implements StoreAddress {

    public Directory {
      if (!path.isAbsolute()) {
        throw new IllegalArgumentException(path + " is not an absolute path");
      }
    }

    @Override
    public String toString() {
      return "file://" + path;
    }
  }

  /// A bucket of S3 or of a server that is compatible with it.
  ///
  /// @param prefix begins the name of each object in the bucket; empty, or ends with `/`
  /// @param endpoint of a server other than Amazon's
  /// @param region null to let the SDK find one
  /// @param pathStyle whether the bucket is in the path of requests instead of in the host's name
  record S3(
      String bucket,
      String prefix,
      @Nullable URI endpoint,
      @Nullable String region,
      boolean pathStyle)
      implements StoreAddress {

    private static final int MOST_OF_PREFIX = 300;

    public S3 {
      if (!bucket.matches("[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")) {
        throw new IllegalArgumentException("\"" + bucket + "\" is no name of a bucket");
      }
      if (prefix.length() > MOST_OF_PREFIX) {
        throw new IllegalArgumentException(
            "the prefix has more than " + MOST_OF_PREFIX + " characters");
      }
      if (!prefix.isEmpty()) {
        if (!prefix.endsWith("/")) {
          throw new IllegalArgumentException("the prefix \"" + prefix + "\" does not end with /");
        }
        var _ = new ObjectName(prefix.substring(0, prefix.length() - 1));
      }
    }

    @Override
    public String toString() {
      String shown = "s3://" + bucket + "/" + prefix;
      return endpoint == null ? shown : shown + " at " + endpoint;
    }
  }

  /// @throws IllegalArgumentException with a sentence that says what is wrong with the text
  static StoreAddress parse(String text) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw invalid(text, String.valueOf(e.getMessage()), e);
    }
    try {
      String scheme = uri.getScheme();
      return switch (scheme == null ? "" : scheme) {
        case "file" -> directory(uri);
        case "s3" -> s3(uri);
        default -> throw new IllegalArgumentException("it begins with neither s3:// nor file:///");
      };
    } catch (IllegalArgumentException e) {
      throw invalid(text, String.valueOf(e.getMessage()), e);
    }
  }

  private static IllegalArgumentException invalid(String text, String reason, Exception cause) {
    return new IllegalArgumentException(
        "\"" + text + "\" is no address of an object store: " + reason, cause);
  }

  private static Directory directory(URI uri) {
    if (uri.getAuthority() != null) {
      throw new IllegalArgumentException(
          "a path has three slashes before it, as in file:///" + uri.getAuthority());
    }
    if (uri.getQuery() != null || uri.getFragment() != null || uri.getPath() == null) {
      throw new IllegalArgumentException("only a path may follow file://");
    }
    try {
      return new Directory(Path.of(uri.getPath()));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(e.getReason(), e);
    }
  }

  private static S3 s3(URI uri) {
    String bucket = uri.getAuthority();
    if (bucket == null || bucket.contains("@") || bucket.contains(":")) {
      throw new IllegalArgumentException(
          "a bucket's name, and nothing else, follows s3:// (an endpoint is given as ?endpoint=)");
    }
    if (uri.getFragment() != null) {
      throw new IllegalArgumentException("it has a #");
    }
    String path = uri.getPath() == null ? "" : uri.getPath();
    String prefix = path.startsWith("/") ? path.substring(1) : path;
    if (!prefix.isEmpty() && !prefix.endsWith("/")) {
      prefix += "/";
    }
    Map<String, String> options = options(uri.getRawQuery());
    String endpoint = options.remove("endpoint");
    String region = options.remove("region");
    String pathStyle = options.remove("path-style");
    if (!options.isEmpty()) {
      throw new IllegalArgumentException(
          "there is no option "
              + options.keySet().iterator().next()
              + "; there are endpoint, region and path-style");
    }
    if (region != null && !region.matches("[a-zA-Z0-9-]{1,64}")) {
      throw new IllegalArgumentException("\"" + region + "\" is no region");
    }
    if (pathStyle != null && !List.of("true", "false").contains(pathStyle)) {
      throw new IllegalArgumentException("path-style is true or false, not " + pathStyle);
    }
    return new S3(bucket, prefix, endpoint(endpoint), region, "true".equals(pathStyle));
  }

  private static @Nullable URI endpoint(@Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      var endpoint = new URI(text);
      boolean isHttp = "http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme());
      if (isHttp && endpoint.getHost() != null && endpoint.getUserInfo() == null) {
        return endpoint;
      }
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("the endpoint is no URL: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(
        "the endpoint is a URL such as https://host:9000, not \"" + text + "\"");
  }

  private static Map<String, String> options(@Nullable String query) {
    var options = new LinkedHashMap<String, String>();
    if (query == null) {
      return options;
    }
    for (String option : query.split("&", -1)) {
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
}
