import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A JumpReLU autoencoder or transcoder of Gemma Scope (Lieberum et al. 2024). b_dec is not subtracted from the input.
///
///     version 1    params.npz            W_enc [d, F], W_dec [F, d_out], b_enc [F], b_dec [d_out], threshold [F]
///     version 2    params.safetensors    the same in lower case; affine_skip_connection [d, d_out] maps x to x A
///                  config.json           optional: model_name, hf_hook_point_in, affine_connection …
///
/// A square matrix is settled by this table: W_enc maps as x W_enc, the skip connection as x A.
struct GemmaScopeFormat: DictionaryFormat {
    let version: Int

    var name: String { version == 1 ? "gemma-scope" : "gemma-scope-2" }
    var configurationName: String? { version == 1 ? nil : "config.json" }
    var weightsName: String { version == 1 ? "params.npz" : "params.safetensors" }
    var marks: String { "\(weightsName) with \(matrix("enc"))" }
    var limits: FormatLimits {
        FormatLimits(activations: [.jumpReLU, .relu], skips: version == 2, changesWidth: true)
    }

    private static let skip = "affine_skip_connection"
    private func matrix(_ name: String) -> String { (version == 1 ? "W_" : "w_") + name }

    func recognises(_ files: DictionaryFiles) -> Bool {
        guard let file = files.weights(weightsName), file is NpzFile == (version == 1) else { return false }
        return file.shape(of: matrix("enc")) != nil
    }

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        let file = try files.requiredWeights(weightsName)
        let latents = try file.dimension(0, of: "b_enc", rank: 1)
        let outputWidth = try file.dimension(0, of: "b_dec", rank: 1)
        let width = try file.dimension(0, of: matrix("enc"), rank: 2)
        let tensors = try StrictTensors(
            file, kind: name,
            [
                matrix("enc"): [width, latents], matrix("dec"): [latents, outputWidth], "b_enc": [latents],
                "b_dec": [outputWidth], "threshold": [latents],
            ], optional: version == 1 ? [:] : [Self.skip: [width, outputWidth]])
        var metadata = SAELensMetadata()
        if let json = files.configuration(configurationName) {
            try json.oneOf("architecture", ["jump_relu": ()], "Gemma Scope has no other")
            guard try json.flag("affine_connection", default: tensors.has(Self.skip)) == tensors.has(Self.skip) else {
                throw json.file.problem(
                    "key ‘affine_connection’ is \(!tensors.has(Self.skip)), but \(weightsName) says otherwise",
                    remedy: "fetch both again")
            }
            metadata.modelName = json["model_name"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            metadata.hookName = json["hf_hook_point_in"]?.string
            let output = json["hf_hook_point_out"]?.string
            metadata.outputHookName = output == metadata.hookName ? nil : output
        }
        let dictionary = SparseDictionary(
            encoder: try tensors(matrix("enc")).transposed(), encoderBias: try tensors("b_enc"),
            decoder: try tensors(matrix("dec")), decoderBias: try tensors("b_dec"),
            activation: .rectified(thresholds: try tensors("threshold")), centresInput: false,
            skip: tensors.has(Self.skip) ? try tensors(Self.skip).transposed() : nil)
        return (dictionary, metadata)
    }

    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        let dictionary = source.centred(false)
        let tensors = [
            (matrix("enc"), dictionary.encoder.transposed()), (matrix("dec"), dictionary.decoder),
            ("b_enc", dictionary.encoderBias), ("b_dec", dictionary.decoderBias),
            ("threshold", dictionary.activation.thresholds(dictionary.latentCount)!),
        ]
        if version == 1 {
            try Files.createFolder(url)
            return try NpzFile.write(tensors, to: url.appending(path: weightsName))
        }
        var weights = SafetensorsWriter()
        for (name, tensor) in tensors { weights.add(name, tensor) }
        if let skip = dictionary.skip { weights.add(Self.skip, skip.transposed()) }
        let isTranscoder =
            dictionary.skip != nil || dictionary.width != dictionary.outputWidth || metadata.outputHookName != nil
        let configuration = WrittenConfiguration(
            modelName: metadata.modelName ?? "", hfHookPointIn: metadata.hookName,
            hfHookPointOut: metadata.outputHookName ?? metadata.hookName, width: dictionary.latentCount,
            affineConnection: dictionary.skip != nil, type: isTranscoder ? "transcoder" : "sae")
        try FolderWriter(configuration: "config.json", weights: weightsName).write(to: url, configuration) {
            try weights.write(to: $0.appending(path: weightsName))
        }
    }

    /// `config.json`; the keys are these names in snake case.
    private struct WrittenConfiguration: Encodable {
        let architecture = "jump_relu"
        /// Loaders want it to be there, if empty.
        let modelName: String
        let hfHookPointIn, hfHookPointOut: String?
        let width: Int
        let affineConnection: Bool
        let type: String
    }
}
