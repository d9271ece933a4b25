import Foundation
import PrismCore
import PrismHub
import PrismTestSupport
import Synchronization
import Testing

/// A pull as a client makes it, with a cache of its own.
struct Pull {
    static let secret = "hf_secret"
    let hub: LoopbackHub
    let cache: URL
    var model: URL { cache.appending(path: "models--org--name") }
    var snapshot: URL { model.appending(path: "snapshots/\(LoopbackHub.commit)") }
    var blobs: [String] { names(model.appending(path: "blobs")) }

    @discardableResult
    func callAsFunction(_ reference: String = "org/name", _ files: String...) throws -> URL {
        try with(token: Self.secret, reference, files)
    }

    func with(token: String?, _ reference: String = "org/name", _ files: [String] = []) throws -> URL {
        var client = try ModelHub(endpoint: hub.endpoint, cache: cache, token: token)
        client.patience.delay = .milliseconds(1)
        client.patience.longestWait = .milliseconds(20)
        client.patience.silence = .milliseconds(400)
        return try client.pull(ModelReference(reference), files: files)
    }

    /// Expects a sentence that says all this and not the token.
    func fails(
        _ kind: PrismError.Kind, _ mentions: String..., reference: String = "org/name", files: [String] = [],
        token: String? = secret, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: PrismError.self, sourceLocation: sourceLocation) {
            try with(token: token, reference, files)
        }
        guard let error else { return }
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        for mention in mentions {
            #expect(error.message.contains(mention), "\(error) lacks ‘\(mention)’", sourceLocation: sourceLocation)
        }
        #expect(!error.message.contains(Self.secret), sourceLocation: sourceLocation)
    }

    func names(_ folder: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    }

    func content(_ path: String) throws -> Data { try Data(contentsOf: snapshot.appending(path: path)) }
}

/// Starts a hub and gives a client of it with an empty cache.
func withHub(
    _ files: [String: Data] = model, listing: String? = nil, tamperHub: @escaping LoopbackHub.Tamper = { $1 },
    tamperStorage: @escaping LoopbackHub.Tamper = { $1 }, _ body: (Pull) throws -> Void
) throws {
    let hub = try LoopbackHub(files: files, listing: listing, tamperHub: tamperHub, tamperStorage: tamperStorage)
    defer { hub.stop() }
    try withTemporaryFolder { try body(Pull(hub: hub, cache: $0.appending(path: "cache"))) }
}

let weights = LoopbackHub.content(300_007)
let model: [String: Data] = [
    "config.json": Data("{}".utf8), "tokenizer.json": LoopbackHub.content(5000), "generation_config.json": Data(),
    "model.safetensors": weights, "pytorch_model.bin": Data("not this".utf8), "README.md": Data("nor this".utf8),
]

/// Passes the first calls through `change`, the rest as they are.
func first(_ count: Int, _ change: @escaping LoopbackHub.Tamper) -> LoopbackHub.Tamper {
    let calls = Counter()
    return { request, reply in calls.next() <= count ? change(request, reply) : reply }
}

final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}

/// The layout is huggingface_hub's, which `make conformance-hub` holds it to; HTTP is RFC 9110.
@Suite(.serialized) struct ModelHubTests {
    @Test func aModelComesWholeIntoTheSharedLayout() throws {
        try withHub { pull in
            let folder = try pull()
            #expect(folder.path == pull.snapshot.path)
            let expected = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
            #expect(pull.names(folder) == expected)
            for name in expected {
                let isSame = try pull.content(name) == model[name]
                #expect(isSame, "\(name)")
            }
            let digests = expected.map { name in
                name == "model.safetensors" ? Files.digest(weights) : Files.gitDigest(model[name]!)
            }
            #expect(pull.blobs == digests.sorted())
            let link = try FileManager.default.destinationOfSymbolicLink(
                atPath: folder.appending(path: "model.safetensors").path)
            #expect(link == "../../blobs/\(Files.digest(weights))")
            let reference = try String(contentsOf: pull.model.appending(path: "refs/main"), encoding: .utf8)
            #expect(reference == LoopbackHub.commit)
            #expect(pull.names(pull.model) == ["blobs", "refs", "snapshots"])
        }
    }

    /// `git hash-object` of an empty file and of "hello\n"; FIPS 180's SHA-256 of "abc".
    @Test func digestsAreThoseOfGitAndOfTheStandard() {
        #expect(Files.gitDigest(Data()) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        #expect(Files.gitDigest(Data("hello\n".utf8)) == "ce013625030ba8dba906f756967f9e9ca394464a")
        #expect(
            Files.digest(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func theTokenGoesToTheHubAloneAndBytesAreAskedForAsTheyAre() throws {
        try withHub { pull in
            try pull()
            let (hub, storage) = (pull.hub.hub.requests, pull.hub.storage.requests)
            // The list, three files; an empty one needs no asking. A connection that broke may have been tried again.
            #expect(Set(hub.map(\.path)).count == 4 && Set(storage.map(\.path)).count == 1)
            #expect(hub.allSatisfy { $0.headers["authorization"] == "Bearer \(Pull.secret)" })
            #expect(storage.allSatisfy { !$0.text.contains(Pull.secret) && $0.headers["authorization"] == nil })
            #expect((hub + storage).allSatisfy { $0.headers["accept-encoding"] == "identity" })
            #expect(hub[0].path == "/api/models/org/name/revision/main?blobs=true")
        }
        try withHub { pull in
            _ = try pull.with(token: nil)
            #expect(pull.hub.hub.requests.allSatisfy { $0.headers["authorization"] == nil })
        }
    }

    @Test func aSecondPullTransfersNothing() throws {
        try withHub { pull in
            try pull()
            let transfers = pull.hub.transfers
            #expect(try pull() == pull.snapshot)
            #expect(pull.hub.transfers == transfers)
            // A file that is not whole is fetched again, and alone.
            let blob = pull.model.appending(path: "blobs/\(Files.digest(weights))")
            try Data("short".utf8).write(to: blob)
            try FileManager.default.removeItem(at: pull.snapshot.appending(path: "config.json"))
            try pull()
            #expect(pull.hub.transfers == transfers + 1)
            #expect(
                try pull.content("model.safetensors") == weights && pull.content("config.json") == model["config.json"])
        }
    }

    @Test func withoutTheHubACommitIsFoundAndABranchIsExplained() throws {
        try withHub { pull in
            try pull()
            pull.hub.stop()
            let transfers = pull.hub.hub.requests.count
            #expect(try pull("org/name@\(LoopbackHub.commit)") == pull.snapshot)
            #expect(pull.hub.hub.requests.count == transfers)
            pull.fails(.runFailed, "cannot ask", "the cache has it as of commit \(LoopbackHub.commit)")
            pull.fails(.runFailed, "does not have it whole", reference: "org/other")
            try FileManager.default.removeItem(at: pull.snapshot.appending(path: "model.safetensors"))
            pull.fails(.runFailed, "does not have it whole", reference: "org/name@\(LoopbackHub.commit)")
        }
    }

    @Test func shardsAreThoseThatTheIndexNames() throws {
        let index = Data(
            #"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}"#
                .utf8)
        var files = [
            "config.json": Data("{}".utf8), "model.safetensors.index.json": index,
            "model-1.safetensors": LoopbackHub.content(1000), "model-2.safetensors": LoopbackHub.content(2000),
            "other.safetensors": LoopbackHub.content(3000),
        ]
        try withHub(files) { pull in
            try pull()
            #expect(
                pull.names(pull.snapshot) == [
                    "config.json", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json",
                ])
            let second = try pull.content("model-2.safetensors")
            #expect(second == LoopbackHub.content(2000))
        }
        files["model-2.safetensors"] = nil
        try withHub(files) { $0.fails(.badData, "has no file ‘model-2.safetensors’") }
        files["model.safetensors.index.json"] = Data(#"{"weight_map": {"a": "../../evil.safetensors"}}"#.utf8)
        try withHub(files) { $0.fails(.badData, "tensor ‘a’") }
    }

    @Test func namedFilesAreTakenInsteadOfTheUsual() throws {
        let files = ["a/b/model.gguf": LoopbackHub.content(100), "c.gguf": Data("c".utf8), "pytorch_model.bin": Data()]
        try withHub(files) { pull in
            try pull("org/name@v1/x", "a/b/model.gguf")
            let place = "a/b/model.gguf"
            #expect(try pull.content(place) == files[place] && pull.blobs == [Files.digest(files[place]!)])
            let link = try FileManager.default.destinationOfSymbolicLink(
                atPath: pull.snapshot.appending(path: place).path)
            #expect(link == "../../../../blobs/\(Files.digest(files[place]!))")
            #expect(pull.hub.hub.requests[0].path == "/api/models/org/name/revision/v1%2Fx?blobs=true")
            #expect(FileManager.default.fileExists(atPath: pull.model.appending(path: "refs/v1/x").path))
            pull.fails(.usage, "has no file ‘d.gguf’; it has a/b/model.gguf, c.gguf", files: ["d.gguf"])
            pull.fails(.usage, "no model.safetensors but a/b/model.gguf, c.gguf, pytorch_model.bin", "--file")
        }
        try withHub(["README.md": Data()]) { $0.fails(.usage, "holds no weights") }
    }

    @Test func aBrokenConnectionIsTakenUpWhereItEnded() throws {
        let cut = first(3) { _, reply in
            var reply = reply
            reply.cut = 70_000
            return reply
        }
        try withHub(tamperStorage: cut) { pull in
            try pull()
            #expect(try pull.content("model.safetensors") == weights)
            #expect(
                pull.hub.storage.requests.map { $0.headers["range"] } == [
                    nil, "bytes=70000-", "bytes=140000-", "bytes=210000-",
                ])
            #expect(!pull.blobs.contains { $0.hasSuffix(".incomplete") })
        }
    }

    @Test func whatOneCallLeftTheNextContinues() throws {
        try withHub(
            tamperStorage: first(5) { request, _ in
                var reply = LoopbackServer.Reply(200, body: weights)
                reply.cut = 1000
                return reply
            }
        ) { pull in
            // Each try begins anew and reaches the same place, so patience ends.
            pull.fails(.runFailed, "cannot fetch ‘model.safetensors’", "kept")
            #expect(pull.hub.storage.requests.count == 5)
            #expect(pull.blobs.filter { $0.hasSuffix(".incomplete") } == [Files.digest(weights) + ".incomplete"])
            #expect(!FileManager.default.fileExists(atPath: pull.model.appending(path: "refs/main").path))
            try pull()
            #expect(try pull.content("model.safetensors") == weights)
            #expect(pull.hub.storage.requests.last?.headers["range"] == "bytes=1000-")
        }
    }

    @Test(arguments: [200, 206, 416]) func aServerThatDoesNotSendTheRestIsAskedForAll(status: Int) throws {
        try withHub(
            tamperStorage: first(1) { _, _ in
                // What a server says that ignores the range, sends another, or knows a shorter file.
                status == 200
                    ? .init(200, body: weights)
                    : .init(status, ["Content-Range": "bytes 0-\(weights.count - 1)/\(weights.count)"], body: weights)
            }
        ) { pull in
            let partial = pull.model.appending(path: "blobs/\(Files.digest(weights)).incomplete")
            try Files.createFolder(partial.deletingLastPathComponent())
            try weights.prefix(1234).write(to: partial)
            try pull()
            #expect(try pull.content("model.safetensors") == weights)
            #expect(
                pull.hub.storage.requests.map { $0.headers["range"] }
                    == ["bytes=1234-"] + (status == 200 ? [] : [nil]))
        }
    }

    @Test(arguments: [weights.count, weights.count + 5]) func aPartialOfFullLengthNeedsNoConnectionButTheChecksum(
        count: Int
    ) throws {
        try withHub { pull in
            let partial = pull.model.appending(path: "blobs/\(Files.digest(weights)).incomplete")
            try Files.createFolder(partial.deletingLastPathComponent())
            try (weights + Data(count: count - weights.count)).write(to: partial)
            try pull()
            #expect(try pull.content("model.safetensors") == weights)
            #expect(pull.hub.storage.requests.count == (count == weights.count ? 0 : 1))
        }
    }

    @Test func wrongBytesAreNeverPutInPlace() throws {
        var wrong = weights
        wrong[200_000] ^= 1
        let served = wrong
        try withHub(tamperStorage: { request, reply in .init(200, body: served) }) { pull in
            pull.fails(.badData, "‘model.safetensors’", "digest")
            #expect(!pull.blobs.contains { $0.hasPrefix(Files.digest(weights)) })
            #expect(pull.names(pull.snapshot) == ["config.json", "generation_config.json", "tokenizer.json"])
        }
        try withHub(tamperHub: { request, reply in
            request.path.hasSuffix("/tokenizer.json") ? .init(200, body: LoopbackHub.content(5001).prefix(5000)) : reply
        }) { $0.fails(.badData, "‘tokenizer.json’", "digest") }
    }

    @Test func wrongLengthsAreNoticed() throws {
        // Shorter and longer by its own account, longer without one, and shorter without one.
        try withHub(tamperStorage: { _, _ in .init(200, body: weights.dropLast()) }) {
            $0.fails(.badData, "300006 bytes", "300007")
            #expect($0.hub.storage.requests.count == 1)
        }
        try withHub(tamperStorage: { _, _ in .init(200, body: weights + Data(count: 1)) }) {
            $0.fails(.badData, "300008 bytes", "300007")
        }
        let unsaid = ["Content-Length": ""]
        try withHub(tamperStorage: { _, _ in .init(200, unsaid, body: weights + Data(count: 1)) }) { pull in
            pull.fails(.badData, "more than the 300007 bytes")
            #expect(!pull.blobs.contains { $0.hasSuffix(".incomplete") })
        }
        try withHub(tamperStorage: { request, reply in
            request.headers["range"] == nil ? .init(200, unsaid, body: weights.dropLast()) : .init(416)
        }) { pull in
            pull.fails(.runFailed, "‘model.safetensors’")
            #expect(pull.hub.storage.requests.count <= 10)
        }
    }

    @Test(
        arguments: [
            (401, "", "hf_secret", "does not accept your token"), (401, "", nil, "no public model org/name"),
            (401, "GatedRepo", nil, "accept its licence at http://127.0.0.1"),
            (403, "GatedRepo", "hf_secret", "is gated"), (403, "", "hf_secret", "does not let you read"),
            (404, "RepoNotFound", nil, "has no model org/name"),
            (404, "RevisionNotFound", nil, "has no revision ‘main’"),
        ] as [(Int, String, String?, String)])
    func refusalsAreOneSentence(status: Int, code: String, token: String?, mention: String) throws {
        try withHub(tamperHub: { _, _ in .init(status, ["X-Error-Code": code]) }) { pull in
            pull.fails(.usage, mention, token: token)
            #expect(pull.hub.hub.requests.count == 1)
            #expect(!FileManager.default.fileExists(atPath: pull.cache.path))
        }
    }

    @Test(arguments: [500, 503, 429, 408]) func aServerThatFailsForAWhileIsAskedAgain(status: Int) throws {
        let fail = first(4) { _, _ in .init(status, ["Retry-After": "1"]) }
        try withHub(tamperHub: fail) { try $0() }
        try withHub(tamperStorage: fail) { try $0() }
        try withHub(tamperHub: { _, _ in .init(status) }) { pull in
            pull.fails(.runFailed, "HTTP \(status)")
            #expect(pull.hub.hub.requests.count == 5)
        }
    }

    @Test func storageThatRefusesIsAskedAnewThroughTheHub() throws {
        try withHub(tamperStorage: first(2) { _, _ in .init(403) }) { pull in
            try pull()
            #expect(pull.hub.hub.requests.filter { $0.path.hasSuffix("model.safetensors") }.count == 3)
        }
    }

    @Test func aServerThatFallsSilentIsLeft() throws {
        let stall = first(1) { _, reply in
            var reply = reply
            (reply.cut, reply.silence) = (5000, .seconds(2))
            return reply
        }
        try withHub(tamperStorage: stall) { pull in
            try pull()
            #expect(try pull.content("model.safetensors") == weights)
            #expect(pull.hub.storage.requests.last?.headers["range"] == "bytes=5000-")
        }
    }

    @Test func redirectsEndAndStayOnSafeGround() throws {
        try withHub(tamperHub: { request, _ in .init(302, ["Location": request.path]) }) { pull in
            pull.fails(.runFailed, "without end")
            #expect(pull.hub.hub.requests.count == 11)
        }
        for place in ["http://example.invalid/x", "file:///etc/passwd", "ftp://127.0.0.1/x", ""] {
            try withHub(tamperHub: { _, _ in .init(302, ["Location": place]) }) { pull in
                pull.fails(.badData, "not https")
                #expect(pull.hub.hub.requests.count == 1)
            }
        }
        // A renamed model: the hub redirects to itself, and the token goes along.
        try withHub(tamperHub: { request, reply in
            request.path.hasPrefix("/api/models/old/name")
                ? .init(307, ["Location": "/api/models/org/name/revision/main"]) : reply
        }) { pull in
            pull.fails(.runFailed, "‘config.json’", reference: "old/name")
            #expect(pull.hub.hub.requests.allSatisfy { $0.headers["authorization"] != nil })
        }
    }

    @Test(arguments: [
        "../evil", "/etc/evil", "a/../../evil", "a//b", "a/./b", "a/", "", "a\\b", "a\\u0000b", "a\\nb", "..",
    ])
    func namesThatLeadOutAreRefused(name: String) throws {
        let escaped = name.contains("\\u") || name.contains("\\n") ? name : name.replacing("\\", with: "\\\\")
        let list = LoopbackHub.list(model).replacing("README.md", with: escaped)
        try withHub(listing: list) { pull in
            pull.fails(.badData, "no name of a file inside a folder", files: [name])
            #expect(!FileManager.default.fileExists(atPath: pull.cache.path))
        }
    }

    @Test(arguments: [
        ("\"sha\": \"0", "\"sha\": \"../0", "commit ‘sha’"), ("\"siblings\"", "\"files\"", "siblings"),
        ("\"size\": 2,", "\"size\": -2,", "‘config.json’ lacks a size"),
        ("\"size\": 2,", "\"size\": 1e3,", "‘config.json’ lacks a size"),
        ("\"blobId\": \"", "\"blobId\": \"../", "lacks a size or a digest"),
        ("\"sha256\": \"", "\"sha256\": \"/", "lacks a size or a digest"), ("]}", "]", "invalid JSON"),
        ("\"id\"", "\"sha\"", "occurs twice"),
    ])
    func listsThatMakeNoSenseAreRefused(part: String, other: String, mention: String) throws {
        try withHub(listing: LoopbackHub.list(model).replacing(part, with: other)) { $0.fails(.badData, mention) }
    }

    @Test func aCommitIsWhatWasAskedFor() throws {
        let other = String(repeating: "a", count: 40)
        try withHub { $0.fails(.badData, "another commit", reference: "org/name@\(other)") }
    }

    @Test func twoAtOnceMakeOneModel() throws {
        try withHub { pull in
            let failures = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                do { _ = try pull() } catch { failures.withLock { $0 += 1 } }
            }
            let failed = failures.withLock { $0 }
            #expect(failed == 0)
            let content = try pull.content("model.safetensors")
            #expect(content == weights && pull.blobs.count == 4)
            #expect(pull.hub.storage.requests.count == 1)
        }
    }
}
