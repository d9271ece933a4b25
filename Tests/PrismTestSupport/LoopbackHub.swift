import Foundation
import PrismCore

/// A Hugging Face Hub on this machine that holds one model, and its storage under another host's name.
///
/// Answers as the real one: lists under `/api/models`, small files itself with their Git digest as ETag, large ones by a
/// redirect to the storage with `X-Linked-ETag` and `X-Linked-Size`.
public final class LoopbackHub: Sendable {
    public typealias Tamper =
        @Sendable (_ request: LoopbackServer.Request, _ reply: LoopbackServer.Reply) ->
        LoopbackServer.Reply

    public static let commit = "0123456789abcdef0123456789abcdef01234567"
    public let hub: LoopbackServer
    public let storage: LoopbackServer
    public var endpoint: URL { URL(string: "http://127.0.0.1:\(hub.port)")! }

    /// - files: contents by path; those that are named `.safetensors` or `.gguf` lie in the storage.
    /// - listing: what the API answers instead of the truth.
    /// - tamperHub, tamperStorage: change the answers.
    public init(
        repository: String = "org/name", files: [String: Data], listing: String? = nil,
        tamperHub: @escaping Tamper = { $1 }, tamperStorage: @escaping Tamper = { $1 }
    ) throws {
        let contents = Dictionary(
            files.values.map { (Files.digest($0), $0) }, uniquingKeysWith: { first, _ in first })
        let storage = try LoopbackServer { request in
            let digest = String(request.path.split(separator: "/").last ?? "")
            return tamperStorage(request, contents[digest].map { Self.part($0, request) } ?? .init(404))
        }
        self.storage = storage
        let list = listing ?? Self.list(files)
        hub = try LoopbackServer { request in
            tamperHub(request, Self.answer(request, repository, files, list, storage.port))
        }
    }

    public func stop() {
        hub.stop()
        storage.stop()
    }

    /// How often a file was asked for.
    public var transfers: Int { hub.requests.count { !$0.path.hasPrefix("/api/") } }

    /// Text that is not the same anywhere, so that misplaced parts show.
    public static func content(_ count: Int) -> Data {
        var generator = SeededGenerator(seed: UInt64(count), stream: "content")
        return Data((0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
    }

    public static func list(_ files: [String: Data], commit: String = commit) -> String {
        let siblings = files.sorted { $0.key < $1.key }.map { path, content in
            let large =
                isLarge(path)
                ? #", "lfs": {"sha256": "\#(Files.digest(content))", "size": \#(content.count), "pointerSize": 130}"#
                : ""
            let digest = Files.gitDigest(isLarge(path) ? Data("a pointer".utf8) : content)
            return #"{"rfilename": "\#(path)", "size": \#(content.count), "blobId": "\#(digest)"\#(large)}"#
        }
        return #"{"id": "org/name", "sha": "\#(commit)", "siblings": [\#(siblings.joined(separator: ", "))]}"#
    }

    private static func isLarge(_ path: String) -> Bool { path.hasSuffix(".safetensors") || path.hasSuffix(".gguf") }

    private static func answer(
        _ request: LoopbackServer.Request, _ repository: String, _ files: [String: Data], _ list: String, _ storage: Int
    ) -> LoopbackServer.Reply {
        if request.path.hasPrefix("/api/models/\(repository)/revision/") {
            return .init(200, ["Content-Type": "application/json"], body: Data(list.utf8))
        }
        let start = "/\(repository)/resolve/\(commit)/"
        guard request.path.hasPrefix(start), let content = files[String(request.path.dropFirst(start.count))] else {
            return .init(404, ["X-Error-Code": "EntryNotFound"])
        }
        guard isLarge(request.path) else {
            var reply = part(content, request)
            reply.headers["ETag"] = "\"\(Files.gitDigest(content))\""
            reply.headers["X-Repo-Commit"] = commit
            return reply
        }
        let digest = Files.digest(content)
        return .init(
            302,
            [
                "Location": "http://localhost:\(storage)/storage/\(digest)", "X-Linked-ETag": "\"\(digest)\"",
                "X-Linked-Size": "\(content.count)", "X-Repo-Commit": commit,
            ])
    }

    private static func part(_ content: Data, _ request: LoopbackServer.Request) -> LoopbackServer.Reply {
        guard let range = request.headers["range"], let first = Int(range.dropFirst("bytes=".count).dropLast()) else {
            return .init(200, body: content)
        }
        guard first < content.count else { return .init(416, ["Content-Range": "bytes */\(content.count)"]) }
        return .init(
            206, ["Content-Range": "bytes \(first)-\(content.count - 1)/\(content.count)"],
            body: content.dropFirst(first))
    }
}
