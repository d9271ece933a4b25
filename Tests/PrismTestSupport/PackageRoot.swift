import Foundation
import PrismCore

/// The folder of Package.swift.
public let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A file of reference results, for example `golden("PrismFormatsTests", "types.gguf")`.
public func golden(_ target: String, _ name: String) -> URL {
    packageRoot.appending(path: "Tests/\(target)/Goldens/\(name)")
}

/// The real model that tests use, a GGUF file.
/// - Throws: an error that says how to get it.
public func realModel() throws -> URL {
    let url = packageRoot.appending(path: "models/SmolLM2-135M-Instruct.Q4_1.gguf")
    guard FileManager.default.fileExists(atPath: url.path) else {
        throw PrismError.usage("there is no model \(url.path); ‘make test’ fetches it")
    }
    return url
}
