/// The version of Prism that wrote a file.
public let prismVersion = "0.1.0"
