import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// An autoencoder or transcoder of Llama Scope (He et al. 2024), as OpenMOSS's lm_saes kept it then.
///
///     hyperparams.json                d_model = d, d_sae = F, act_fn, jump_relu_threshold = θ, norm_activation,
///                                     dataset_average_activation_norm {in, out}, sparsity_include_decoder_norm
///     checkpoints/final.safetensors   encoder.weight [F, d], encoder.bias [F], decoder.weight [d, F], decoder.bias [d]
///
/// Training saw inputs and outputs scaled to a mean norm of √d, by s = √d / norm. lm_saes folds the scales when it loads
/// (b_enc / s_in, W_dec · s_in / s_out, b_dec / s_out), then, with `sparsity_include_decoder_norm`, the decoder rows' norms
/// into the encoder, and applies θ to what comes out. b_dec is not subtracted from the input.
struct LlamaScopeFormat: DictionaryFormat {
    let name = "llama-scope"
    let configurationName: String? = "hyperparams.json"
    let weightsName = "checkpoints/final.safetensors"
    let marks = "hyperparams.json with ‘jump_relu_threshold’ beside checkpoints/final.safetensors"
    let limits = FormatLimits(activations: [.jumpReLU, .relu])

    func recognises(_ files: DictionaryFiles) -> Bool {
        files.configuration(configurationName)?["jump_relu_threshold"] != nil
    }

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        let json = try files.requiredConfiguration("hyperparams.json")
        let (d, F) = (try json.positive("d_model"), try json.positive("d_sae"))
        let threshold = try json.number("jump_relu_threshold")
        // A TopK encoder with a threshold was meant to be used as a JumpReLU.
        let activations =
            threshold > 0 ? ["jumprelu": true, "relu": false, "topk": true] : ["jumprelu": true, "relu": false]
        let jumps = try json.oneOf("act_fn", activations, "Prism reads no other activation of lm_saes's")
        for key in ["use_glu_encoder", "apply_decoder_bias_to_pre_encoder"] where try json.flag(key, default: false) {
            throw json.file.problem("key ‘\(key)’ must be false, found true", remedy: "Prism has no such step")
        }
        try json.oneOf(
            "norm_activation", ["dataset-wise": ()], "Prism feeds activations as they are, scaled by constants only")
        let (normIn, normOut) = (
            try json.number("dataset_average_activation_norm.in"),
            try json.number("dataset_average_activation_norm.out")
        )
        guard (1e-6...1e6).contains(normIn), (1e-6...1e6).contains(normOut) else {
            throw json.file.problem(
                "key ‘dataset_average_activation_norm’ must be from 1e-6 to 1e6, found \(normIn) and \(normOut)",
                remedy: "fetch it again")
        }
        let tensors = try StrictTensors(
            files.requiredWeights(weightsName), kind: name,
            ["encoder.weight": [F, d], "encoder.bias": [F], "decoder.weight": [d, F], "decoder.bias": [d]])
        let root = Double(d).squareRoot()
        let encoder = try tensors("encoder.weight").copy()
        let encoderBias = try tensors("encoder.bias").scaled(by: normIn / root)
        let decoder = try tensors("decoder.weight").transposed().scaled(by: normOut / normIn)
        if try json.flag("sparsity_include_decoder_norm", default: true) {
            decoder.scaleRowsToUnit { i, norm in
                encoderBias.data[i] *= norm
                for c in 0..<d { encoder[i][c] *= norm }
            }
        }
        let thresholds = Tensor(shape: [F], [Float](repeating: Float(threshold), count: F))
        let dictionary = SparseDictionary(
            encoder: encoder, encoderBias: encoderBias, decoder: decoder,
            decoderBias: try tensors("decoder.bias").scaled(by: normOut / root),
            activation: jumps ? .rectified(thresholds: thresholds) : .relu, centresInput: false)
        let hooks = ["hook_point_in", "hook_point_out"].map { json[$0]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        return (dictionary, SAELensMetadata(hookName: hooks[0], outputHookName: hooks[1] == hooks[0] ? nil : hooks[1]))
    }

    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        let thresholds = source.activation.thresholds(source.latentCount)!.values
        guard thresholds.allSatisfy({ $0 == thresholds[0] }) else {
            throw PrismError.usage("\(name) has no place for thresholds that differ; choose another format")
        }
        let dictionary = source.centred(false)
        var weights = SafetensorsWriter()
        weights.add("encoder.weight", dictionary.encoder)
        weights.add("encoder.bias", dictionary.encoderBias)
        weights.add("decoder.weight", dictionary.decoder.transposed())
        weights.add("decoder.bias", dictionary.decoderBias)
        let norm = Double(dictionary.width).squareRoot()
        let configuration = WrittenConfiguration(
            dModel: dictionary.width, dSae: dictionary.latentCount,
            actFn: source.activation.kind == .relu ? "relu" : "jumprelu", jumpReluThreshold: thresholds[0],
            datasetAverageActivationNorm: ["in": norm, "out": norm], hookPointIn: metadata.hookName ?? "",
            hookPointOut: metadata.outputHookName ?? metadata.hookName ?? "")
        try FolderWriter(configuration: "hyperparams.json", weights: weightsName).write(to: url, configuration) {
            try weights.write(to: $0.appending(path: weightsName))
        }
    }

    /// `hyperparams.json`; the keys are these names in snake case. With a mean norm of √d both scales are 1.
    private struct WrittenConfiguration: Encodable {
        let dModel, dSae: Int
        let actFn: String
        let jumpReluThreshold: Float
        let normActivation = "dataset-wise"
        let datasetAverageActivationNorm: [String: Double]
        let sparsityIncludeDecoderNorm = false
        let useDecoderBias = true
        let applyDecoderBiasToPreEncoder = false
        /// Loaders want them to be there, if empty.
        let hookPointIn, hookPointOut: String
    }
}

extension Tensor {
    fileprivate func scaled(by factor: Double) -> Tensor {
        Tensor(shape: shape, values.map { Float(Double($0) * factor) })
    }
}
