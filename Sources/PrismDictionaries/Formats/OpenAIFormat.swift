import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// An autoencoder of OpenAI's (Gao et al. 2024): the state dictionary of `sparse_autoencoder.Autoencoder` in one `.pt` file.
///
///     pre_bias [d], encoder.weight [F, d], latent_bias [F], decoder.weight [d, F], statistics of training,
///     activation = "ReLU" or "TopK", activation_state_dict = {k, postact_fn = "ReLU"}
///
/// pre_bias is subtracted from the input and added to the output. With TopK, and only with it, each input is standardised.
struct OpenAIFormat: DictionaryFormat {
    let name = "openai"
    let configurationName: String? = nil
    let weightsName = "autoencoder.pt"
    let marks = "a .pt file with ‘pre_bias’ and ‘latent_bias’"
    let limits = FormatLimits(activations: [.relu, .topK], standardises: true)

    func recognises(_ files: DictionaryFiles) -> Bool {
        guard let file = files.weights(weightsName) as? TorchFile else { return false }
        return file.shape(of: "pre_bias") != nil || file.shape(of: "latent_bias") != nil
    }

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        guard let file = try files.requiredWeights(weightsName) as? TorchFile else {
            throw PrismError.badData("\(files.folder.path): expected a .pt file; write it with torch.save")
        }
        let d = try file.dimension(0, of: "pre_bias", rank: 1)
        let F = try file.dimension(0, of: "latent_bias", rank: 1)
        let tensors = try StrictTensors(
            file, kind: name,
            ["pre_bias": [d], "latent_bias": [F], "encoder.weight": [F, d], "decoder.weight": [d, F]],
            optional: ["stats_last_nonzero": [F], "latents_activation_frequency": [F], "latents_mean_square": [F]])
        func expect(_ key: String, _ expected: String, _ found: TorchFile.Scalar?) -> PrismError {
            let found = found.map { "\($0)" } ?? "nothing"
            return .badData(
                "\(file.path): key ‘\(key)’ must be \(expected), found \(found); "
                    + "check that the file belongs to this kind of dictionary")
        }
        // The class writes its activation's state twice, the second time as if it were tensors of the module.
        let parameters = ["k", "postact_fn"]
        let known = Set(["activation", "activation_state_dict"] + parameters.map { "activation_state_dict.\($0)" })
        for (key, value) in file.scalars.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
            guard let parameter = parameters.first(where: { key == "activation.\($0)" }),
                file.scalars["activation_state_dict.\(parameter)"] == value
            else { throw expect(key, "absent", value) }
        }
        let activation: LatentActivation
        switch file.scalars["activation"] {
        case .string("ReLU"), nil: activation = .relu
        case .string("TopK"):
            guard case .integer(let k) = file.scalars["activation_state_dict.k"], (1...F).contains(k) else {
                throw expect(
                    "activation_state_dict.k", "a whole number from 1 to \(F)",
                    file.scalars["activation_state_dict.k"])
            }
            let rectifier = file.scalars["activation_state_dict.postact_fn"]
            guard rectifier == .string("ReLU") else {
                throw expect("activation_state_dict.postact_fn", "‘ReLU’", rectifier)
            }
            activation = .topK(k)
        case let other: throw expect("activation", "‘ReLU’ or ‘TopK’", other)
        }
        let dictionary = SparseDictionary(
            encoder: try tensors("encoder.weight"), encoderBias: try tensors("latent_bias"),
            decoder: try tensors("decoder.weight").transposed(), decoderBias: try tensors("pre_bias"),
            activation: activation, standardisesInput: activation.k != nil)
        return (dictionary, SAELensMetadata())
    }

    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        guard source.standardisesInput == (source.activation.k != nil) else {
            throw PrismError.usage(
                source.standardisesInput
                    ? "\(name) standardises inputs of TopK dictionaries only; choose another format"
                    : "\(name) standardises all inputs of TopK dictionaries, and this one's are not; choose another format"
            )
        }
        let dictionary = source.centred(true)
        let F = dictionary.latentCount
        var members: [(String, TorchWriter.Value)] = [
            ("pre_bias", .tensor(dictionary.decoderBias)), ("latent_bias", .tensor(dictionary.encoderBias)),
            // Statistics of training, without which the class does not load; nothing is known of them.
            ("stats_last_nonzero", .integers([Int64](repeating: 0, count: F), shape: [F])),
            ("latents_activation_frequency", .tensor(Tensor(F))), ("latents_mean_square", .tensor(Tensor(F))),
            ("encoder.weight", .tensor(dictionary.encoder)),
            ("decoder.weight", .tensor(dictionary.decoder.transposed())),
            ("activation", .string(dictionary.activation.kind.rawValue)),
        ]
        let parameters: [(String, TorchWriter.Value)] =
            dictionary.activation.k.map { [("k", .integer(Int32($0))), ("postact_fn", .string("ReLU"))] } ?? []
        members.append(("activation_state_dict", .dictionary(parameters)))
        try TorchWriter.write(members, to: url)
    }
}
