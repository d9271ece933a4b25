import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A trainer's whole state on disk: with it and the step a run goes on as if it had never stopped.
///
/// `<folder>/<step>/state.safetensors` holds weights, moments, silence and scales; `checkpoint.json` beside it the
/// step, the configuration and the state's SHA-256. A step's folder appears under its name only when both are complete.
public struct Checkpoints: Sendable {
    public let folder: URL

    public init(_ folder: URL) { self.folder = folder }

    private struct Label: Codable {
        let step: Int
        let configuration: TrainingConfiguration
        let sha256: String
    }

    /// Writes a checkpoint, then removes all but the newest two.
    public func save(_ trainer: DictionaryTrainer) throws {
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
    public func restore(_ trainer: DictionaryTrainer) throws -> Bool {
        for step in steps().reversed() {
            guard let data = try? Files.read(step.appending(path: "checkpoint.json")),
                let label = try? JSONDecoder().decode(Label.self, from: data), label.step == Int(step.lastPathComponent)
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

extension DictionaryTrainer {
    /// Everything that the next step depends on, but for the step.
    fileprivate var state: [(String, Tensor)] {
        parameters.flatMap { name, parameter in
            [(name, parameter.value), ("\(name).moment1", parameter.moment1), ("\(name).moment2", parameter.moment2)]
        } + [
            ("silence", silence), ("rule", ruleMemory), ("pace", pace), ("input_scale", inputScale),
            ("output_scale", outputScale),
        ]
    }

    fileprivate func resume(step: Int) {
        self.step = step
        refreshLayout()
    }
}
