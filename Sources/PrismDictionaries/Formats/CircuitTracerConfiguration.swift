import Foundation
import PrismCore
import Yams

/// `config.yaml` of a set of transcoders as circuit-tracer has it.
///
///     model_kind            transcoder_set (a file for each layer) or cross_layer_transcoder
///     model_name            the model, as its publisher names it
///     feature_input_hook    what latents read, within a block: hook_resid_mid, mlp.hook_in …
///     feature_output_hook   what they write: hook_mlp_out …
///
/// Other keys say where things are to be found. The text is kept, so that what is written again has all of them.
public struct CircuitTracerConfiguration: Hashable, Sendable {
    static let name = "config.yaml"
    let text: String
    public let modelName, inputHook, outputHook: String?

    /// Of a cross-layer transcoder.
    public init(modelName: String, inputHook: String, outputHook: String) throws {
        let members = [
            "model_kind": "cross_layer_transcoder", "model_name": modelName, "feature_input_hook": inputHook,
            "feature_output_hook": outputHook,
        ]
        text = try Yams.dump(object: members, sortKeys: true)
        (self.modelName, self.inputHook, self.outputHook) = (modelName, inputHook, outputHook)
    }

    /// - folder: of the transcoders. kind: what `model_kind` must be; nil takes any. - Returns: nil if there is no such file.
    /// - Throws: `PrismError.badData` if it is for another kind, or latents have an activation that Prism cannot compute.
    init?(of folder: URL, kind: String? = nil) throws {
        let url = folder.appending(path: Self.name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        text = String(decoding: try Files.read(url), as: UTF8.self)
        guard let members = (try? Yams.load(yaml: text)) as? [String: Any] else {
            throw PrismError.badData("\(url.path): expected YAML with keys at the top; fetch it again")
        }
        func refuse(_ key: String, unless known: [String], _ remedy: String) throws {
            guard let value = members[key], !known.contains("\(value)") else { return }
            let names = known.map { "‘\($0)’" }.joined(separator: ", ")
            throw PrismError.badData("\(url.path): key ‘\(key)’ is ‘\(value)’, supported: \(names); \(remedy)")
        }
        try refuse(
            "activation", unless: ["jump_relu", "relu"],
            "Prism cannot read transcoders of circuit-tracer with another activation")
        if let kind { try refuse("model_kind", unless: [kind], "the files beside it are of that kind") }
        modelName = members["model_name"] as? String
        inputHook = members["feature_input_hook"] as? String
        outputHook = members["feature_output_hook"] as? String
    }
}
