import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A trainer's whole state on disk: with it and the step a run goes on as if it had never stopped.
///
/// `<folder>/<step>/state.safetensors` holds weights, moments, silence and input scale; `checkpoint.json` beside it the
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
    public func save(_ trainer: TopKTrainer) throws {
        let partial = folder.appending(path: ".partial")
        let final = folder.appending(path: String(format: "%09d", trainer.step))
        try Files.createFolder(partial, replacing: true)
        var writer = SafetensorsWriter()
        for (name, tensor) in trainer.state { writer.add(name, tensor) }
        writer.add("input_scale", Tensor(shape: [1], [trainer.inputScale]))
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
    /// - Throws: `PrismError.usage` if the checkpoint was made with another configuration, naming what differs.
    public func restore(_ trainer: TopKTrainer) throws -> Bool {
        for step in steps().reversed() {
            guard let data = try? Files.read(step.appending(path: "checkpoint.json")),
                let label = try? JSONDecoder().decode(Label.self, from: data), label.step == Int(step.lastPathComponent)
            else { continue }
            let url = step.appending(path: "state.safetensors")
            guard let bytes = try? Files.read(url), Files.digest(bytes) == label.sha256 else { continue }
            guard label.configuration == trainer.configuration else {
                throw PrismError.usage("\(step.path) was made with another training configuration; resume with the run's own")
            }
            let file = try SafetensorsFile(url)
            for (name, tensor) in trainer.state {
                tensor.update(from: try file.tensor(name, shape: tensor.shape))
            }
            trainer.resume(step: label.step, inputScale: try file.tensor("input_scale", shape: [1]).values[0])
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

extension TopKTrainer {
    /// Everything that the next step depends on, but for the step and the input scale.
    fileprivate var state: [(String, Tensor)] {
        let parameters = [
            ("encoder", encoder), ("encoder_bias", encoderBias), ("decoder", decoder), ("decoder_bias", decoderBias),
        ]
        return parameters.flatMap { name, parameter in
            [(name, parameter.value), ("\(name).moment1", parameter.moment1), ("\(name).moment2", parameter.moment2)]
        } + [("silence", silence)]
    }

    fileprivate func resume(step: Int, inputScale: Float) {
        self.step = step
        self.inputScale = inputScale
        refreshLayout()
    }
}
