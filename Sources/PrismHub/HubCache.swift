import Foundation
import PrismCore

/// A model's folder in the cache that Hugging Face's Python tools keep, in their layout (huggingface_hub, "Understand
/// caching"), so that what one of them has fetched the others find:
///
///     models--ORG--NAME/blobs/<digest>              contents, each once; <digest>.incomplete while one is fetched
///     models--ORG--NAME/snapshots/<commit>/<path>   a relative link to a content
///     models--ORG--NAME/refs/<revision>             the commit that a branch or tag meant last
///     .locks/models--ORG--NAME/<digest>.lock        held while a content is fetched
struct HubCache {
    private let folder: URL
    private let locks: URL

    init(root: URL, _ reference: ModelReference) {
        let name = "models--" + reference.repository.replacing("/", with: "--")
        folder = root.appending(path: name)
        locks = root.appending(path: ".locks").appending(path: name)
    }

    func blob(_ file: HubFile) -> URL { folder.appending(path: "blobs").appending(path: file.digest) }

    func partial(_ file: HubFile) -> URL {
        folder.appending(path: "blobs").appending(path: file.digest + ".incomplete")
    }

    func snapshot(_ commit: String) -> URL { folder.appending(path: "snapshots").appending(path: commit) }

    /// Whether the file stands in its snapshot, whole.
    func holds(_ file: HubFile, at commit: String) -> Bool {
        Self.size(snapshot(commit).appending(path: file.path)) == file.size
    }

    /// The size of what a path leads to; nil if nothing is there.
    static func size(_ url: URL) -> Int? {
        var status = stat()
        return stat(url.path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Makes the folders of a file and keeps other processes, the Python tools among them, from fetching it meanwhile.
    func withLock<R>(on file: HubFile, _ body: () throws -> R) throws -> R {
        try Files.createFolder(locks)
        try Files.createFolder(folder.appending(path: "blobs"))
        let url = locks.appending(path: file.digest + ".lock")
        let descriptor = open(url.path, O_RDWR | O_CREAT, 0o644)
        guard descriptor >= 0 else { throw Self.problem("open", url) }
        // Closing it gives the lock back.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw Self.problem("lock", url) }
            try ModelHub.checkInterrupt()
            usleep(100_000)
        }
        return try body()
    }

    /// Puts a content, which is there, into a snapshot. Call with the file's lock.
    func link(_ file: HubFile, into commit: String) throws {
        let url = snapshot(commit).appending(path: file.path)
        try Files.createFolder(url.deletingLastPathComponent())
        let depth = file.path.split(separator: "/").count + 1
        let target = String(repeating: "../", count: depth) + "blobs/" + file.digest
        // What stands there already is broken or of another size.
        unlink(url.path)
        guard symlink(target, url.path) == 0 else { throw Self.problem("link", url) }
    }

    /// The commit that a branch or tag meant when it was last pulled.
    func commit(of revision: String) -> String? {
        guard let text = try? String(contentsOf: reference(revision), encoding: .utf8), text.isDigest(ofLength: 40)
        else {
            return nil
        }
        return text
    }

    func record(_ commit: String, as revision: String) throws {
        guard revision != commit, self.commit(of: revision) != commit else { return }
        let url = reference(revision)
        try Files.createFolder(url.deletingLastPathComponent())
        do {
            // Under a name that no other process uses at the same time, unlike `Files.writeAtomically`.
            try Data(commit.utf8).write(to: url, options: .atomic)
        } catch {
            throw PrismError.runFailed("cannot write \(url.path): \(Files.reason(error)); choose another HF_HUB_CACHE")
        }
    }

    private func reference(_ revision: String) -> URL { folder.appending(path: "refs").appending(path: revision) }

    private static func problem(_ action: String, _ url: URL) -> PrismError {
        .runFailed("cannot \(action) \(url.path): \(String(cString: strerror(errno))); choose another HF_HUB_CACHE")
    }
}
