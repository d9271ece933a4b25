import Foundation
import PrismCore

extension ModelHub {
    static let standardEndpoint = "https://huggingface.co"

    /// The hub, cache and token that Hugging Face's Python tools take from the same environment:
    ///
    /// - the endpoint: `HF_ENDPOINT`, else https://huggingface.co;
    /// - the cache: `HF_HUB_CACHE`, else `hub` in the home;
    /// - the token: `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else the file `token` in the home;
    /// - the home: `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME`, else `~/.cache/huggingface`.
    ///
    /// - endpoint: used instead of the environment's.
    /// - Throws: as `init(endpoint:cache:token:)`.
    public init(
        endpoint: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func folder(_ name: String) -> URL? {
            value(name).map { path in
                guard path == "~" || path.hasPrefix("~/") else { return URL(filePath: path) }
                return URL(filePath: value("HOME") ?? NSHomeDirectory()).appending(path: path.dropFirst(2))
            }
        }
        let caches =
            folder("XDG_CACHE_HOME") ?? URL(filePath: value("HOME") ?? NSHomeDirectory()).appending(path: ".cache")
        let home = folder("HF_HOME") ?? caches.appending(path: "huggingface")
        let tokenFile = folder("HF_TOKEN_PATH") ?? home.appending(path: "token")
        func trimmed(_ text: String?) -> String? {
            guard let text = text?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else { return nil }
            return text
        }
        let address = endpoint ?? value("HF_ENDPOINT") ?? Self.standardEndpoint
        guard let url = URL(string: address) else {
            throw PrismError.usage("‘\(address)’ is no address of a hub; write one such as \(Self.standardEndpoint)")
        }
        try self.init(
            endpoint: url, cache: folder("HF_HUB_CACHE") ?? home.appending(path: "hub"),
            token: trimmed(value("HF_TOKEN")) ?? trimmed(try? String(contentsOf: tokenFile, encoding: .utf8)))
    }
}
