import Foundation
import PrismCore
import PrismTensor

/// Training that can be stopped and gone on with.
public protocol Checkpointed {
    associatedtype Configuration: Codable
    var configuration: Configuration { get }
    /// Steps done.
    var step: Int { get }
    /// Everything that the next step depends on, but for the step.
    var state: [(String, Tensor)] { get }
    /// Goes on behind a step whose state was put back.
    func resume(step: Int)
}

/// A trainer's whole state on disk: with it and the step a run goes on as if it had never stopped.
///
/// `<folder>/<step>/state.safetensors` holds weights, moments, silence and scales; `checkpoint.json` beside it the
/// step, the configuration and the state's SHA-256. A step's folder appears under its name only when both are complete.
public struct Checkpoints: Sendable {
    public let folder: URL

    public init(_ folder: URL) { self.folder = folder }

    private struct Label<Configuration: Codable>: Codable {
        let step: Int
        let configuration: Configuration
        let sha256: String
    }

    /// Writes a checkpoint, then removes all but the newest two.
    public func save<Trainer: Checkpointed>(_ trainer: Trainer) throws {
        let partial = folder.appending(path: ".partial")
        let final = folder.appending(path: String(format: "%09d", trainer.step))
        try Files.createFolder(partial, replacing: true)
        var writer = SafetensorsWriter()
        for (name, tensor) in trainer.state { writer.add(name, tensor) }
        let state = partial.appending(path: "state.safetensors")
        try writer.write(to: state)
        let label = Label(
            step: trainer.step, configuration: trainer.configuration,
            sha256: Files.digest(try Files.read(state)))
        try Files.writeAtomically(JSONEncoder.prism.encode(label), to: partial.appending(path: "checkpoint.json"))
        try? FileManager.default.removeItem(at: final)
        try Files.move(partial, to: final)
        for old in steps().dropLast(2) { try? FileManager.default.removeItem(at: old) }
    }

    /// Puts the newest complete checkpoint into a trainer made with the same configuration.
    /// - Returns: false if there is none; torn ones are passed over.
    /// - Throws: `PrismError.usage` if the checkpoint was made with another configuration.
    public func restore<Trainer: Checkpointed>(_ trainer: Trainer) throws -> Bool {
        for step in steps().reversed() {
            guard let data = try? Files.read(step.appending(path: "checkpoint.json")),
                let label = try? JSONDecoder().decode(Label<Trainer.Configuration>.self, from: data),
                label.step == Int(step.lastPathComponent)
            else { continue }
            let url = step.appending(path: "state.safetensors")
            guard let bytes = try? Files.read(url), Files.digest(bytes) == label.sha256 else { continue }
            let changed = try trainer.configuration.differences(from: label.configuration)
            guard changed.isEmpty else {
                throw PrismError.usage(
                    "\(step.path) was made with other settings (\(changed.joined(separator: "; "))); resume with the run's own"
                )
            }
            let file = try SafetensorsFile(url)
            for (name, tensor) in trainer.state {
                tensor.update(from: try file.tensor(name, shape: tensor.shape))
            }
            trainer.resume(step: label.step)
            return true
        }
        return false
    }

    /// Folders of steps, oldest first.
    private func steps() -> [URL] {
        let contents = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return contents.filter { Int($0.lastPathComponent) != nil }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }
}
