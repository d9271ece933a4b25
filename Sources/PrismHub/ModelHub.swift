import Foundation
import PrismCore
import PrismFormats

/// A Hugging Face Hub, or a mirror of one, and the folder that keeps what was fetched from it.
///
/// The folder is the cache that Hugging Face's Python tools use, in their layout: what they have fetched is not fetched
/// again, and they find what Prism fetches. Every file is checked against the digest that the hub lists (SHA-256, of small
/// files Git's SHA-1) before it gets its name.
public struct ModelHub: Sendable {
    public let endpoint: URL
    public let cache: URL
    private let token: String?
    package var patience = Patience()

    /// - endpoint: the hub's address: https, or http on this machine.
    /// - cache: the folder of `models--ORG--NAME` folders; made if it is not there.
    /// - token: lets read what is private or gated; sent to the endpoint alone, never shown.
    /// - Throws: `PrismError.usage` for an address or a token that cannot be one.
    public init(endpoint: URL, cache: URL, token: String? = nil) throws {
        guard let host = endpoint.host, !host.isEmpty, endpoint.user == nil, endpoint.query == nil,
            endpoint.fragment == nil,
            endpoint.scheme == "https" || endpoint.scheme == "http" && endpoint.isLoopback
        else {
            throw PrismError.usage(
                "the endpoint must be the https address of a hub, such as \(Self.standardEndpoint); "
                    + "plain http is taken on this machine alone")
        }
        // What follows a line break would be a header of its own.
        guard token?.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) ?? true else {
            throw PrismError.usage(
                "the token for the hub holds spaces or other characters that no token has; set HF_TOKEN anew")
        }
        (self.endpoint, self.cache, self.token) = (endpoint, cache, token)
    }

    /// Fetches a model, except for what is there already. After an interruption, the same call goes on where it was.
    /// - files: paths in the repository; none for configuration, tokenizer and safetensors weights.
    /// - Returns: the folder of the snapshot, which holds the files under their names. Without a connection, that of a
    ///   commit named in full if it is there.
    /// - Throws: `PrismError.usage` if the hub has no such model, revision or file or wants a token, `.badData` if what it
    ///   sends is not what it lists, `.runFailed` if it cannot be reached.
    public func pull(_ reference: ModelReference, files: [String] = []) throws -> URL {
        let store = HubCache(root: cache, reference)
        let client = HubClient(endpoint: endpoint, token: token, patience: patience, reference: reference)
        let known = reference.commit ?? store.commit(of: reference.revision)
        let kept = known.flatMap { ModelFiles.areAll(in: store.snapshot($0), named: files) ? $0 : nil }
        let needsNoHub = kept != nil && kept == reference.commit
        let listing: HubListing
        do {
            var patience = patience
            if needsNoHub { patience.tries = 1 }
            listing = try patience.persist(client.listing)
        } catch let failure as PassingFailure {
            if let kept, needsNoHub { return store.snapshot(kept) }
            let remedy = kept.map { "the cache has it as of commit \($0): pull \(reference.repository)@\($0) for that" }
            throw PrismError.runFailed(
                "cannot ask \(client.host) about \(reference): \(failure.reason); "
                    + (remedy ?? "the cache does not have it whole: check the connection and pull again"))
        }

        func fetch(_ files: [HubFile]) throws { try Self.fetch(files, at: listing.commit, client, store) }
        if files.isEmpty {
            let usual = try ModelFiles.usual(in: listing, of: reference)
            try fetch(usual)
            if let index = usual.first(where: { $0.path == ShardedSafetensors.indexName }) {
                let url = store.snapshot(listing.commit).appending(path: index.path)
                try fetch(ModelFiles.shards(url).map { try ModelFiles.find($0, in: listing, of: reference, .badData) })
            }
        } else {
            try fetch(files.map { try ModelFiles.find($0, in: listing, of: reference, .usage) })
        }
        try store.record(listing.commit, as: reference.revision)
        return store.snapshot(listing.commit)
    }

    private static func fetch(_ files: [HubFile], at commit: String, _ client: HubClient, _ store: HubCache) throws {
        let missing = files.filter { !store.holds($0, at: commit) }
        guard !missing.isEmpty else { return }
        func arrived(_ file: HubFile) -> Int {
            let content = HubCache.size(store.blob(file))
            return content == file.size ? file.size : min(file.size, HubCache.size(store.partial(file)) ?? 0)
        }
        let progress = Progress(
            "fetching \(client.reference.repository)", total: missing.reduce(0) { $0 + $1.size }, unit: "MB",
            unitSize: 1_000_000, alreadyDone: missing.reduce(0) { $0 + arrived($1) })
        // So that an error has a line of its own.
        defer { progress.finish() }
        for file in missing {
            var shown = arrived(file)
            func report(_ count: Int) {
                progress.advance(by: count - shown)
                shown = count
            }
            try store.withLock(on: file) {
                if HubCache.size(store.blob(file)) != file.size {
                    try Download(
                        client: client, file: file, commit: commit, partial: store.partial(file),
                        destination: store.blob(file), report: report
                    ).run()
                }
                if !store.holds(file, at: commit) { try store.link(file, into: commit) }
            }
            report(file.size)
        }
    }

    /// - Throws: `PrismError.runFailed` once Ctrl-C was pressed.
    static func checkInterrupt() throws {
        if Interrupt.isRequested {
            throw PrismError.runFailed("interrupted; what has arrived is kept, pull again to go on")
        }
    }
}
